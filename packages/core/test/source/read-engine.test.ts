import { patterned, seeded } from "@peekpack/testing/contracts/range-source";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  bytesSource,
  httpSource,
  PeekpackError,
  type RangeSource,
  type RequestEvent,
  readEngine,
  requestLimiter,
} from "../../src/index.js";
import { slowSource } from "../../src/testing.js";
import { type ObjectServer, objectServer } from "./object-server.js";

const archive = patterned(17_000_000);
let server: ObjectServer;
beforeEach(async () => {
  server = await objectServer(archive);
});
afterEach(() => server.close());

describe("what reads cost", () => {
  it("a cold leaf of a 17 MB archive: 3 requests, 2 of them together, and hardly more bytes than asked for", async () => {
    const source = readEngine(httpSource(server.url));
    let waiting = 0;
    let both = (): void => {};
    const together = new Promise<void>((resolve) => {
      both = resolve;
    });
    server.bend = async (answer) => {
      if (++waiting === 2) both();
      await together;
      return answer;
    };
    await source.probe({ head: 16_384, tail: 524_288 });
    // Header and table cost nothing more.
    await source.read([{ start: 0, end: 32 }], { reason: "open" });
    await source.read([{ start: 16_600_000, end: 16_990_000 }], { reason: "toc" });
    await source.read([{ start: 8_000_000, end: 8_009_000 }]);
    expect(source.stats).toMatchObject({
      requests: 3,
      bytes: 16_384 + 524_288 + 9000,
      retries: 0,
      cacheHits: 2,
    });
    expect(server.ranges).toHaveLength(3);
  });

  it("a table larger than the tail: one further request, for what is missing only", async () => {
    const source = readEngine(httpSource(server.url));
    await source.probe({ head: 16_384, tail: 524_288 });
    const [table] = await source.read([{ start: 15_000_000, end: 17_000_000 }], { reason: "toc" });
    expect(Buffer.compare(table!, archive.subarray(15_000_000))).toBe(0);
    expect(source.stats.bytes).toBe(16_384 + 2_000_000);
  });

  it("fifty places in a few waves, right and within reason", async () => {
    const random = seeded(4);
    const places = Array.from({ length: 50 }, () => Math.floor(random() * 16_000_000));
    const source = readEngine(slowSource(bytesSource(archive), { latencyMs: 20, bytesPerMs: 12_000 }), {
      concurrency: 16,
    });
    await source.probe({ head: 16_384, tail: 524_288 });
    const before = source.stats.requests;
    const ranges = places.map((start) => ({ start, end: start + 6000 }));
    const parts = await source.read(ranges);
    for (const [i, { start, end }] of ranges.entries()) {
      expect(Buffer.compare(parts[i]!, archive.subarray(start, end))).toBe(0);
    }
    expect(source.stats.requests - before).toBeLessThanOrEqual(3 * 16);
  });
});

describe("readEngine", () => {
  it("leaves a local source as it is", async () => {
    const local = bytesSource(archive);
    const engine = readEngine(local);
    const [a] = await local.read([{ start: 5, end: 10 }]);
    const [b] = await engine.read([{ start: 5, end: 10 }]);
    expect(b!.buffer).toBe(a!.buffer);
    expect(engine.local).toBe(true);
    expect(engine.stats).toEqual({
      requests: 0,
      bytes: 0,
      retries: 0,
      failures: 0,
      cacheHits: 0,
      cacheBytes: 0,
    });
  });

  it("works with a source that is a class, and knows nothing of events or versions", async () => {
    class Own implements RangeSource {
      readonly label = "own";
      readonly bytes = archive;
      async probe({ head, tail }: { head: number; tail: number }) {
        const { bytes } = this;
        return {
          size: bytes.length,
          head: bytes.subarray(0, head),
          tail: bytes.subarray(bytes.length - tail),
        };
      }
      async read(ranges: readonly { start: number; end: number }[]) {
        return ranges.map(({ start, end }) => this.bytes.slice(start, end));
      }
    }
    const events: RequestEvent[] = [];
    const engine = readEngine(new Own(), { onRequest: (event) => events.push(event) });
    await engine.probe({ head: 10, tail: 10 });
    const [part] = await engine.read([{ start: 1000, end: 1010 }]);
    expect([...part!]).toEqual([...archive.subarray(1000, 1010)]);
    expect(engine.reopen).toBeUndefined();
    expect(engine.stats).toMatchObject({ requests: 2, bytes: 30 });
    expect(events).toMatchObject([
      { reason: "open", from: "network", bytes: 20, label: "own" },
      { reason: "data", from: "network", bytes: 10, range: { start: 1000, end: 1010 } },
    ]);
    await engine.close!();
  });

  it("counts the tries of a source that does not speak of them", async () => {
    const faults: unknown[] = [];
    const own: RangeSource = {
      label: "own",
      async probe() {
        return { size: archive.length, head: archive.subarray(0, 1), tail: archive.subarray(0, 0) };
      },
      async read(ranges) {
        const fault = faults.shift();
        if (fault !== undefined) throw fault;
        return ranges.map(({ start, end }) => archive.slice(start, end));
      },
    };
    const events: RequestEvent[] = [];
    const engine = readEngine(own, { onRequest: (event) => events.push(event), retry: { baseMs: 1 } });
    faults.push(new PeekpackError("network", "no answer."), new PeekpackError("not-found", "gone."));
    await expect(engine.read([{ start: 5000, end: 5010 }])).rejects.toMatchObject({ code: "not-found" });
    await engine.read([{ start: 5000, end: 5010 }]);
    expect(engine.stats).toMatchObject({ requests: 3, retries: 1, failures: 2, bytes: 10 });
    expect(events).toMatchObject([
      { reason: "data", attempt: 1, error: "network", range: { start: 5000, end: 5010 } },
      { reason: "retry", attempt: 2, error: "not-found" },
      { reason: "data", attempt: 1, bytes: 10 },
    ]);
  });

  it("tells everything about each request, from which a waterfall can be drawn", async () => {
    const events: RequestEvent[] = [];
    const engine = readEngine(httpSource(server.url), {
      onRequest: (event) => events.push(event),
      retry: { baseMs: 1 },
    });
    await engine.probe({ head: 100, tail: 50 });
    server.bend = (answer, _request, _response, count) =>
      count === 3 ? { status: 503, headers: {}, body: new Uint8Array(0) } : answer;
    await engine.read([{ start: 5000, end: 5100 }]);
    await engine.read([{ start: 5050, end: 5060 }]);
    const size = archive.length;
    expect(events.slice(0, 2).toSorted((a, b) => a.bytes - b.bytes)).toMatchObject([
      { reason: "open", suffix: 50, range: { start: size - 50, end: size }, bytes: 50, status: 206 },
      { reason: "open", range: { start: 0, end: 100 }, bytes: 100, status: 206, attempt: 1, from: "network" },
    ]);
    expect(events.slice(2)).toMatchObject([
      { reason: "data", attempt: 1, status: 503, error: "network", bytes: 0 },
      { reason: "retry", attempt: 2, status: 206, bytes: 100, range: { start: 5000, end: 5100 } },
      { reason: "data", from: "cache", bytes: 10, ms: 0 },
    ]);
    for (const { startedAt, ms, firstByteMs = 0, label } of events) {
      expect(startedAt).toBeGreaterThan(0);
      expect(ms).toBeGreaterThanOrEqual(firstByteMs);
      expect(label).toBe(server.url.replace(/\?.*/, ""));
    }
    expect(engine.stats).toEqual({
      requests: 4,
      bytes: 250,
      retries: 1,
      failures: 1,
      cacheHits: 1,
      cacheBytes: 10,
    });
  });

  it("goes on after a connection that broke within a body, and asks only for the rest", async () => {
    const engine = readEngine(httpSource(server.url), { retry: { baseMs: 1 } });
    await engine.probe({ head: 100, tail: 50 });
    server.bend = (answer, _request, response) => {
      server.bend = undefined;
      response.writeHead(206, answer.headers);
      response.write(answer.body.subarray(0, 600_000), () => setTimeout(() => response.destroy(), 20));
      return undefined;
    };
    const range = { start: 1_000_000, end: 2_000_000 };
    const [part] = await engine.read([range]);
    expect(Buffer.compare(part!, archive.subarray(range.start, range.end))).toBe(0);
    expect(server.ranges.slice(2)).toHaveLength(2);
    expect(Number(/bytes=(\d+)-1999999/.exec(server.ranges[3]!)![1])).toBeGreaterThan(1_000_000);
    expect(engine.stats).toMatchObject({ retries: 1, failures: 1, bytes: 150 + 1_000_000 });
  });

  it("a read that joins what is fetched ahead takes its place in the queue", async () => {
    const limiter = requestLimiter(1);
    const engine = readEngine(httpSource(server.url, { limiter }), { gap: 0 });
    await engine.probe({ head: 1, tail: 0 });
    const order: string[] = [];
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    server.bend = async (answer, request) => {
      order.push(request.headers.range!);
      await opened;
      return answer;
    };
    const reads = [engine.read([{ start: 9_000_000, end: 9_000_010 }])];
    await vi.waitFor(() => expect(order).toHaveLength(1));
    const low = { priority: -1, reason: "read-ahead" } as const;
    reads.push(engine.read([{ start: 5000, end: 5010 }]));
    reads.push(engine.read([{ start: 1_000_000, end: 1_000_100 }], low));
    await vi.waitFor(() => expect(limiter.waiting).toBe(2));
    reads.push(engine.read([{ start: 1_000_050, end: 1_000_060 }], { priority: 1 }));
    await new Promise((resolve) => setTimeout(resolve, 0));
    open();
    await Promise.all(reads);
    expect(order).toEqual(["bytes=9000000-9000009", "bytes=1000000-1000099", "bytes=5000-5009"]);
  });

  it("shares a limiter between the sources of an origin", async () => {
    const limiter = requestLimiter(3);
    const engines = Array.from({ length: 4 }, () =>
      readEngine(httpSource(server.url, { limiter }), { gap: 0 }),
    );
    await Promise.all(engines.map((engine) => engine.probe({ head: 1, tail: 0 })));
    server.mostOpen = 0;
    server.bend = async (answer) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return answer;
    };
    await Promise.all(
      engines.flatMap((engine) =>
        Array.from({ length: 10 }, (_, i) => engine.read([{ start: i * 50_000, end: i * 50_000 + 10 }])),
      ),
    );
    expect(server.mostOpen).toBe(3);
  });

  it("goes on counting when it is reopened after a change, and forgets what it kept", async () => {
    const engine = readEngine(httpSource(server.url));
    await engine.probe({ head: 100, tail: 100 });
    await engine.read([{ start: 1000, end: 1100 }]);
    server.bytes = patterned(17_000_000, 9);
    // What was read stays readable, and consistent.
    expect((await engine.read([{ start: 1000, end: 1100 }]))[0]![0]).toBe(archive[1000]);
    await expect(engine.read([{ start: 5000, end: 5100 }])).rejects.toMatchObject({ code: "changed" });
    const { requests } = engine.stats;
    const fresh = engine.reopen!();
    await fresh.probe({ head: 100, tail: 100 });
    expect((await fresh.read([{ start: 1000, end: 1100 }]))[0]![0]).toBe(server.bytes[1000]);
    expect(engine.stats.requests).toBe(requests + 3);
  });
});

describe("slowSource", () => {
  it("takes a latency for each request, and a rate that all share", async () => {
    let time = 0;
    const waits: [number, () => void][] = [];
    const source = slowSource(bytesSource(archive), {
      latencyMs: 40,
      jitterMs: 20,
      bytesPerMs: 100,
      random: () => 0.5,
      now: () => time,
      sleep: (ms) => new Promise((resolve) => void waits.push([time + Math.max(0, ms), resolve])),
    });
    const events: RequestEvent[] = [];
    const read = source.read(
      [
        { start: 0, end: 1000 },
        { start: 5000, end: 7000 },
      ],
      { onRequest: (event) => events.push(event) },
    );
    let over = false;
    void read.then(() => {
      over = true;
    });
    while (!over) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      waits.sort(([a], [b]) => a - b);
      const next = waits.shift();
      if (next === undefined) continue;
      time = next[0];
      next[1]();
    }
    expect(events.map(({ ms, firstByteMs, bytes }) => ({ ms, firstByteMs, bytes }))).toEqual([
      { ms: 60, firstByteMs: 50, bytes: 1000 },
      { ms: 80, firstByteMs: 50, bytes: 2000 },
    ]);
  });
});
