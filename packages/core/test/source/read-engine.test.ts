import { countingSignal, patterned, seeded } from "@peekpack/testing/contracts/range-source";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type ByteRange,
  blobSource,
  bytesSource,
  encodeArchive,
  httpSource,
  isReadEngine,
  openArchive,
  PeekpackError,
  type RangeSource,
  type RequestEvent,
  readEngine,
  requestLimiter,
  withLimiter,
  withRetry,
  withScheduler,
} from "../../src/index.js";
import { slowSource } from "../../src/testing.js";
import { type ObjectServer, objectServer } from "./object-server.js";

const archive = patterned(17_000_000);
let server: ObjectServer;
beforeEach(async () => {
  server = await objectServer(archive);
});
afterEach(() => server.close());

describe("requests", () => {
  it("reads a leaf of a 17 MB archive with 3 requests, 2 of them at once, and few extra bytes", async () => {
    const source = readEngine(httpSource(server.url));
    let waiting = 0;
    let both = (): void => {};
    const together = new Promise<void>((resolve) => {
      both = resolve;
    });
    server.intercept = async (served) => {
      if (++waiting === 2) both();
      await together;
      return served;
    };
    await source.probe({ head: 16_384, tail: 524_288 });
    // Header and table are cached.
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

  it("requests only the missing part of a table that is larger than the tail", async () => {
    const source = readEngine(httpSource(server.url));
    await source.probe({ head: 16_384, tail: 524_288 });
    const [table] = await source.read([{ start: 15_000_000, end: 17_000_000 }], { reason: "toc" });
    expect(Buffer.compare(table!, archive.subarray(15_000_000))).toBe(0);
    expect(source.stats.bytes).toBe(16_384 + 2_000_000);
  });

  it("reads fifty ranges with a bounded number of requests", async () => {
    const random = seeded(4);
    const offsets = Array.from({ length: 50 }, () => Math.floor(random() * 16_000_000));
    const source = readEngine(slowSource(bytesSource(archive), { latencyMs: 20, bytesPerMs: 12_000 }), {
      concurrency: 16,
    });
    await source.probe({ head: 16_384, tail: 524_288 });
    const before = source.stats.requests;
    const ranges = offsets.map((start) => ({ start, end: start + 6000 }));
    const parts = await source.read(ranges);
    for (const [i, { start, end }] of ranges.entries()) {
      expect(Buffer.compare(parts[i]!, archive.subarray(start, end))).toBe(0);
    }
    expect(source.stats.requests - before).toBeLessThanOrEqual(3 * 16);
  });
});

describe("readEngine", () => {
  it("passes reads of a local source through", async () => {
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

  it("works with a source that is a class without events and versions", async () => {
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

  it("counts the attempts of a source that emits no events", async () => {
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

  it("emits an event with timing, range and status for each request", async () => {
    const events: RequestEvent[] = [];
    const engine = readEngine(httpSource(server.url), {
      onRequest: (event) => events.push(event),
      retry: { baseMs: 1 },
    });
    await engine.probe({ head: 100, tail: 50 });
    server.intercept = (served, _request, _response, count) =>
      count === 3 ? { status: 503, headers: {}, body: new Uint8Array(0) } : served;
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

  it("requests only the rest after a connection broke within a body", async () => {
    const engine = readEngine(httpSource(server.url), { retry: { baseMs: 1 } });
    await engine.probe({ head: 100, tail: 50 });
    server.intercept = (served, _request, response) => {
      server.intercept = undefined;
      response.writeHead(206, served.headers);
      response.write(served.body.subarray(0, 600_000), () => setTimeout(() => response.destroy(), 20));
      return undefined;
    };
    const range = { start: 1_000_000, end: 2_000_000 };
    const [part] = await engine.read([range]);
    expect(Buffer.compare(part!, archive.subarray(range.start, range.end))).toBe(0);
    expect(server.ranges.slice(2)).toHaveLength(2);
    expect(Number(/bytes=(\d+)-1999999/.exec(server.ranges[3]!)![1])).toBeGreaterThan(1_000_000);
    expect(engine.stats).toMatchObject({ retries: 1, failures: 1, bytes: 150 + 1_000_000 });
  });

  it("raises the priority of read-ahead when a read joins it", async () => {
    const limiter = requestLimiter(1);
    const engine = readEngine(httpSource(server.url, { limiter }), { gap: 0 });
    await engine.probe({ head: 1, tail: 0 });
    const order: string[] = [];
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    server.intercept = async (served, request) => {
      order.push(request.headers.range!);
      await opened;
      return served;
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
    server.maxOpen = 0;
    server.intercept = async (served) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return served;
    };
    await Promise.all(
      engines.flatMap((engine) =>
        Array.from({ length: 10 }, (_, i) => engine.read([{ start: i * 50_000, end: i * 50_000 + 10 }])),
      ),
    );
    expect(server.maxOpen).toBe(3);
  });

  it("keeps its totals but not its cache when it is reopened after a change", async () => {
    const engine = readEngine(httpSource(server.url));
    await engine.probe({ head: 100, tail: 100 });
    await engine.read([{ start: 1000, end: 1100 }]);
    server.bytes = patterned(17_000_000, 9);
    // Cached bytes stay readable, and consistent.
    expect((await engine.read([{ start: 1000, end: 1100 }]))[0]![0]).toBe(archive[1000]);
    await expect(engine.read([{ start: 5000, end: 5100 }])).rejects.toMatchObject({ code: "changed" });
    const { requests } = engine.stats;
    const fresh = engine.reopen!();
    await fresh.probe({ head: 100, tail: 100 });
    expect((await fresh.read([{ start: 1000, end: 1100 }]))[0]![0]).toBe(server.bytes[1000]);
    expect(engine.stats.requests).toBe(requests + 3);
  });

  it("reads an object that grew after it is reopened, and no longer serves the old state from its cache", async () => {
    server.bytes = archive.subarray(0, 1_000_000);
    const engine = readEngine(httpSource(server.url, { size: 1_000_000 }), { size: 1_000_000 });
    await engine.read([{ start: 1000, end: 1100 }]);
    server.bytes = archive;
    const fresh = engine.reopen!();
    const [part] = await fresh.read([{ start: 16_000_000, end: 16_000_010 }]);
    expect([...part!]).toEqual([...archive.subarray(16_000_000, 16_000_010)]);
    await expect(engine.read([{ start: 1000, end: 1100 }])).rejects.toMatchObject({ code: "changed" });
  });

  it("can pin a version only if its source can", () => {
    expect(readEngine(httpSource(server.url)).pin).toBeDefined();
    const { pin: _, ...unpinnable } = bytesSource(archive);
    expect(readEngine(unpinnable).pin).toBeUndefined();
    expect(readEngine({ ...unpinnable, local: false }).pin).toBeUndefined();
  });
});

describe("await using", () => {
  it("closes every kind of source at the end of its scope", async () => {
    for (const open of [
      () => bytesSource(archive),
      () => blobSource(new Blob([archive as BlobPart])),
      () => httpSource(server.url),
      () => withRetry(httpSource(server.url)),
      () => slowSource(bytesSource(archive), { latencyMs: 0 }),
      () => withScheduler(httpSource(server.url)),
      () => readEngine(httpSource(server.url)),
      () => readEngine(bytesSource(archive)),
    ]) {
      let source: RangeSource;
      {
        await using scoped = open();
        source = scoped;
        await source.read([{ start: 0, end: 10 }]);
      }
      await expect(source.read([{ start: 0, end: 10 }])).rejects.toMatchObject({ code: "closed" });
    }
  });
});

describe("isReadEngine", () => {
  it("recognizes engines, also reopened ones, and no source with statistics of its own", () => {
    const engine = readEngine(httpSource(server.url));
    expect(isReadEngine(engine)).toBe(true);
    expect(isReadEngine(engine.reopen!())).toBe(true);
    expect(isReadEngine(readEngine(bytesSource(archive)))).toBe(true);
    expect(isReadEngine({ ...bytesSource(archive), stats: { reads: 7 } } as RangeSource)).toBe(false);
    expect(isReadEngine(httpSource(server.url))).toBe(false);
  });

  it("lets openArchive retry the reads of a source with statistics of its own", async () => {
    const bytes = encodeArchive({ first: "x".repeat(100_000), second: "y".repeat(100_000) });
    let failures = 0;
    const source = {
      ...bytesSource(bytes),
      local: false,
      stats: { reads: 7 },
      async read(ranges: readonly ByteRange[]) {
        if (failures++ === 0) throw new PeekpackError("network", "no response.");
        return bytesSource(bytes).read(ranges);
      },
    };
    const opened = await openArchive(source, { headBytes: 32, tailBytes: 1000, retry: { baseMs: 1 } });
    expect(await opened.read("second")).toBe("y".repeat(100_000));
    expect(failures).toBeGreaterThan(1);
  });
});

describe("many reads on one signal", () => {
  it("cause no warning and leave no listener, with and without an engine", async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on("warning", warn);
    try {
      for (const source of [
        httpSource(server.url),
        withLimiter(httpSource(server.url), requestLimiter(2)),
        withRetry(failingOnce(httpSource(server.url)), { baseMs: 1 }),
        slowSource(bytesSource(archive), { latencyMs: 1, bytesPerMs: 1e9 }),
        readEngine(httpSource(server.url)),
      ]) {
        const { signal, listeners, maxListeners } = countingSignal();
        const ranges = Array.from({ length: 50 }, (_, i) => ({ start: i * 300_000, end: i * 300_000 + 10 }));
        await Promise.all(ranges.map((range) => source.read([range], { signal })));
        await source.read(
          ranges.map(({ start, end }) => ({ start: start + 100_000, end: end + 100_000 })),
          { signal },
        );
        expect(listeners()).toBe(0);
        expect(maxListeners()).toBeLessThanOrEqual(2);
      }
      // Node emits warnings in a later tick.
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(warnings).toEqual([]);
    } finally {
      process.off("warning", warn);
    }
  });
});

/** A source whose first read of each range fails. */
function failingOnce(source: RangeSource): RangeSource {
  const failed = new Set<number>();
  return {
    ...source,
    async read(ranges, options) {
      const { start } = ranges[0]!;
      if (failed.has(start)) return source.read(ranges, options);
      failed.add(start);
      throw new PeekpackError("network", "no response.");
    },
  };
}
