import { inspect } from "node:util";
import { countingSignal, patterned, seeded } from "@peekpack/testing/contracts/range-source";
import { describe, expect, it, vi } from "vitest";
import {
  httpSource,
  type ReadEngine,
  type RequestEvent,
  readEngine,
  requestLimiter,
} from "../../src/index.js";
import { faults, faultyFetch } from "./faulty-fetch.js";
import { secret } from "./object-server.js";

const bytes = patterned(2_000_000);
const url = `https://user-data.example/bucket/object?${secret}`;
const differs = (array: Uint8Array, start: number, end: number): boolean =>
  Buffer.compare(array, bytes.subarray(start, end)) !== 0;

describe("the read engine under every fault", () => {
  for (const fault of faults) {
    it(`recovers from: ${fault}`, async () => {
      // Two of three requests have the fault.
      let count = 0;
      const server = faultyFetch(bytes, () => (count++ % 3 < 2 ? fault : undefined));
      const source = readEngine(httpSource(url, { fetch: server.fetch, stallMs: 30, wholeBytes: 100_000 }), {
        retry: { baseMs: 1, attempts: 8 },
      });
      const probe = await source.probe({ head: 1000, tail: 5000 });
      expect(probe.size).toBe(bytes.length);
      const [part] = await source.read([{ start: 300_000, end: 400_000 }]);
      expect(differs(part!, 300_000, 400_000)).toBe(false);
      expect(server.occurred[fault]).toBeGreaterThan(0);
      await source.close!();
      await vi.waitFor(() => expect(server.open).toBe(0));
    });

    it(`rejects with network if it persists: ${fault}`, async () => {
      const server = faultyFetch(bytes, () => fault);
      const source = readEngine(httpSource(url, { fetch: server.fetch, stallMs: 20, wholeBytes: 100_000 }), {
        retry: { baseMs: 1, attempts: 3 },
      });
      await expect(source.probe({ head: 1000, tail: 5000 })).rejects.toMatchObject({
        name: "PeekpackError",
        code: "network",
      });
      await vi.waitFor(() => expect(server.open).toBe(0));
    });
  }
});

it("serves 10,000 concurrent reads over a faulty connection while many of them abort", {
  timeout: 120_000,
}, async () => {
  const seed = 20_260;
  const random = seeded(seed);
  const server = faultyFetch(bytes, () =>
    random() < 0.25 ? faults[Math.floor(random() * faults.length)] : undefined,
  );
  const limiter = requestLimiter(12);
  const events: RequestEvent[] = [];
  const source = readEngine(
    httpSource(url, { fetch: server.fetch, stallMs: 200, wholeBytes: 100_000, limiter }),
    {
      retry: { baseMs: 2, attempts: 12 },
      cacheBytes: 400_000,
      maxRequestBytes: 60_000,
      gap: 300,
      onRequest: (event) => events.push(event),
    },
  );
  await source.probe({ head: 16_384, tail: 50_000 });
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const shared = countingSignal();
  const counts = { correct: 0, aborted: 0 };
  await Promise.all(
    Array.from({ length: 10_000 }, async () => {
      // Spread over time, so that the cache, shared requests and the queue are all used.
      await new Promise((resolve) => setTimeout(resolve, random() * 1500));
      const ranges = Array.from({ length: 1 + Math.floor(random() ** 3 * 5) }, () => {
        const start = Math.floor(random() * bytes.length);
        return { start, end: Math.min(bytes.length, start + Math.floor(random() ** 4 * 150_000)) };
      });
      const controller = random() < 0.4 ? new AbortController() : undefined;
      const reason = Symbol("aborted");
      if (controller) setTimeout(() => controller.abort(reason), random() ** 2 * 100);
      try {
        const arrays = await source.read(ranges, {
          signal: controller?.signal ?? (random() < 0.5 ? shared.signal : undefined),
          priority: Math.floor(random() * 3),
        });
        for (const [i, { start, end }] of ranges.entries()) {
          if (differs(arrays[i]!, start, end))
            throw new Error(`wrong bytes from ${start} to ${end}, seed ${seed}`);
        }
        counts.correct++;
      } catch (error) {
        if (error !== reason) throw error;
        counts.aborted++;
      }
    }),
  );
  expect(counts.correct + counts.aborted).toBe(10_000);
  expect(counts.aborted).toBeGreaterThan(500);
  // Reads are coalesced, shared and cached. No request remains open.
  expect(source.stats.cacheHits).toBeGreaterThan(0);
  expect(source.stats.requests).toBe(server.requests);
  await vi.waitFor(() => expect([server.open, limiter.running, limiter.waiting]).toEqual([0, 0, 0]));
  expect(shared.listeners()).toBe(0);
  await vi.waitFor(() => expect(timers()).toBeLessThanOrEqual(before));
  expect(JSON.stringify(events)).not.toMatch(/deadbeef|X-Amz/);
});

it("no error, label or event contains a secret or a query", async () => {
  const document = `<Error><Code>AccessDenied</Code><Message>?${secret}</Message><AWSAccessKeyId>deadbeefcafe</AWSAccessKeyId></Error>`;
  const seen: string[] = [];
  const exercise = async (source: ReadEngine): Promise<void> => {
    seen.push(source.label);
    for (const work of [
      () => source.probe({ head: 10, tail: 10 }),
      () => source.read([{ start: 0, end: 10 }]),
      () => source.read([{ start: 0, end: 99_999_999 }]),
      () => source.read([{ start: -1, end: 5 }]),
    ]) {
      await work().catch((error: unknown) => {
        for (let inner = error; inner instanceof Error; inner = inner.cause) seen.push(String(inner.stack));
        seen.push(inspect(error, { depth: 10, showHidden: true }), JSON.stringify(error));
      });
    }
    await source.close!();
    await source.read([{ start: 0, end: 1 }]).catch((error: unknown) => seen.push(inspect(error)));
  };
  const engine = (fetch: (url: string) => Promise<Response>): ReadEngine =>
    readEngine(httpSource(url, { fetch, headers: { authorization: "Bearer deadbeefcafe" } }), {
      retry: { baseMs: 1 },
      onRequest: (event) => seen.push(JSON.stringify(event)),
    });
  const failing = (error: (url: string) => unknown) => engine((url) => Promise.reject(error(url)));
  const responding = (status: number, headers = {}) =>
    engine(async () => new Response(document, { status, headers }));
  for (const source of [
    failing((url) => new TypeError(`Failed to fetch ${url}`)),
    failing((url) => new TypeError("fetch failed", { cause: new Error(`cannot reach '${url}', (${url})`) })),
    failing((url) => Object.assign(new Error("x"), { code: "ECONNRESET", config: { url } })),
    failing((url) => `a string: ${url}`),
    failing(() => new Error(`https://name:deadbeefcafe@example.org/`)),
    ...[200, 206, 301, 400, 401, 403, 404, 412, 416, 429, 500, 503].map((status) =>
      responding(status, { location: url, "content-range": "bytes 0-0/1", etag: '"x"' }),
    ),
    readEngine(
      httpSource(() => Promise.reject(new Error(`no URL for ${url}`)), { label: "presigned" }),
      {
        retry: { baseMs: 1 },
      },
    ),
    readEngine(
      httpSource(() => `https://name:deadbeefcafe@example.org/?${secret}`, { label: "presigned" }),
      {
        retry: { baseMs: 1 },
      },
    ),
  ]) {
    await exercise(source);
  }
  expect(seen.length).toBeGreaterThan(100);
  for (const text of seen) expect(text).not.toMatch(/deadbeef|X-Amz|\?/);
});
