import { rangeSourceContract } from "@peekpack/testing/contracts/range-source";
import { describe, expect, it } from "vitest";
import {
  bytesSource,
  encodeArchive,
  httpSource,
  openArchive,
  PeekpackError,
  type RangeSource,
  type RequestEvent,
} from "../../src/index.js";
import { type CachedPiece, type RangeCache, withRangeCache } from "../../src/source/range-cache.js";
import { objectServer } from "./object-server.js";

interface MemoryCache extends RangeCache {
  readonly pieces: Map<string, CachedPiece[]>;
}

function memoryCache(): MemoryCache {
  const seen = new Map<string, Parameters<RangeCache["see"]>[0]>();
  const pieces = new Map<string, CachedPiece[]>();
  const of = (label: string, version: string): CachedPiece[] => {
    const key = JSON.stringify([label, version]);
    if (!pieces.has(key)) pieces.set(key, []);
    return pieces.get(key)!;
  };
  return {
    pieces,
    latest: async (label) => seen.get(label),
    async see(object) {
      seen.set(object.label, object);
    },
    read: async ({ label, version }, { start, end }) =>
      of(label, version).filter((piece) => piece.start < end && piece.start + piece.bytes.length > start),
    async write({ label, version }, { start, bytes }) {
      of(label, version).push({ start, bytes: bytes.slice() });
      of(label, version).sort((a, b) => a.start - b.start);
    },
  };
}

const overHttp = (name: string, wrap: (source: RangeSource) => RangeSource): void =>
  rangeSourceContract(
    name,
    async (bytes) => {
      const server = await objectServer(bytes);
      return {
        source: wrap(httpSource(server.url)),
        async replace(other: Uint8Array) {
          server.bytes = other;
        },
        dispose: () => server.close(),
      };
    },
    { versioned: true },
  );

overHttp("HTTP with a range cache", (source) => withRangeCache(source, memoryCache()));
overHttp("HTTP with a range cache, not revalidated", (source) =>
  withRangeCache(source, memoryCache(), { revalidate: false }),
);
rangeSourceContract("bytes without a version with a range cache", (bytes) => ({
  source: withRangeCache(bytesSource(bytes), memoryCache()),
}));

/** A source with a version that counts its reads and probes and can go offline. */
function remote(bytes: Uint8Array, version: string) {
  const inner = bytesSource(bytes);
  const state = { offline: false, version, reads: 0, probes: [] as { head: number; tail: number }[] };
  const online = (): void => {
    if (state.offline) throw new PeekpackError("network", "offline");
  };
  const source: RangeSource = {
    label: "https://example.org/object",
    pin(known) {
      if ((known.version ?? state.version) !== state.version) throw new PeekpackError("changed", "changed");
      inner.pin!({ size: known.size });
    },
    async probe(want, options) {
      online();
      state.probes.push(want);
      return { ...(await inner.probe(want, options)), version: state.version };
    },
    async read(ranges, options) {
      online();
      state.reads += ranges.length;
      return inner.read(ranges, options);
    },
  };
  return { source, state };
}

const value = {
  rows: Array.from({ length: 3000 }, (_, i) => ({ i, text: `row ${i}`, more: "x".repeat(40) })),
};

describe("a range cache", () => {
  const bytes = encodeArchive(value, { smallObjectThreshold: 100 });

  it("requests only the version on a second visit", async () => {
    const { source, state } = remote(bytes, '"1"');
    const cache = memoryCache();
    const first = await openArchive(withRangeCache(source, cache));
    const row = await first.read("rows/1200");
    await first.close();
    const { reads } = state;
    const second = await openArchive(withRangeCache(source, cache));
    expect(await second.read("rows/1200")).toEqual(row);
    expect(state.reads).toBe(reads);
    expect(state.probes.at(-1)).toEqual({ head: 0, tail: 0 });
  });

  it("serves offline what was read before, including header and table, and nothing else", async () => {
    const { source, state } = remote(bytes, '"1"');
    const cache = memoryCache();
    const small = { tailBytes: 70_000, readAhead: 0 };
    const first = await openArchive(withRangeCache(source, cache), small);
    const row = await first.read("rows/10");
    await first.close();
    state.offline = true;
    const second = await openArchive(withRangeCache(source, cache), { ...small, retry: false });
    expect(await second.read("rows/10")).toEqual(row);
    await expect(second.read("rows/1200")).rejects.toMatchObject({ code: "network" });
  });

  it("opens from an index without any request", async () => {
    const { source, state } = remote(bytes, '"1"');
    const cache = memoryCache();
    const first = await openArchive(withRangeCache(source, cache));
    const row = await first.read("rows/10");
    const index = first.index();
    await first.close();
    state.offline = true;
    const second = await openArchive(withRangeCache(source, cache), { index });
    expect(await second.read("rows/10")).toEqual(row);
  });

  it("makes no request without revalidation", async () => {
    const { source, state } = remote(bytes, '"1"');
    const cache = memoryCache();
    await (await openArchive(withRangeCache(source, cache))).close();
    const probes = state.probes.length;
    const events: RequestEvent[] = [];
    const again = withRangeCache(source, cache, { revalidate: false });
    await openArchive(again, { onRequest: (event) => events.push(event) });
    expect(state.probes.length).toBe(probes);
    expect(events.length).toBeGreaterThan(0);
    expect(events.every(({ from }) => from === "cache")).toBe(true);
  });

  it("serves nothing of another version", async () => {
    const { source, state } = remote(bytes, '"1"');
    const cache = memoryCache();
    const one = withRangeCache(source, cache);
    await one.probe({ head: 10, tail: 10 });
    await one.read([{ start: 100, end: 200 }]);
    await one.close?.();
    state.version = '"2"';
    const { reads } = state;
    const two = withRangeCache(source, cache);
    expect((await two.probe({ head: 10, tail: 10 })).version).toBe('"2"');
    await two.read([{ start: 100, end: 200 }]);
    expect(state.reads).toBe(reads + 1);
  });

  it("caches nothing of an object without a version", async () => {
    const cache = memoryCache();
    const source = withRangeCache(bytesSource(bytes, { label: "memory" }), cache);
    await source.probe({ head: 10, tail: 10 });
    await source.read([{ start: 100, end: 200 }]);
    await source.close?.();
    expect(cache.pieces.size).toBe(0);
  });

  it("reads only the holes between cached pieces, and emits an event for the cached bytes", async () => {
    const { source, state } = remote(bytes, '"1"');
    const cached = withRangeCache(source, memoryCache());
    await cached.read([
      { start: 100, end: 200 },
      { start: 300, end: 400 },
    ]);
    const events: RequestEvent[] = [];
    const { reads } = state;
    const [got] = await cached.read([{ start: 50, end: 450 }], { onRequest: (event) => events.push(event) });
    expect([...got!]).toEqual([...bytes.subarray(50, 450)]);
    expect(state.reads).toBe(reads + 3);
    expect(events.map(({ from, bytes }) => [from, bytes])).toEqual([["cache", 200]]);
  });

  it("counts a failing read as a miss, and ignores a failing write", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      const fail = () => Promise.reject(new Error("the disk is broken"));
      const throwing = (): never => {
        throw new Error("the disk is gone");
      };
      for (const broken of [fail, throwing]) {
        const { source } = remote(bytes, '"1"');
        const cached = withRangeCache(source, { latest: broken, see: broken, read: broken, write: broken });
        await cached.probe({ head: 10, tail: 10 });
        const [got] = await cached.read([{ start: 50, end: 450 }]);
        expect([...got!]).toEqual([...bytes.subarray(50, 450)]);
        await cached.close();
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", note);
    }
  });

  it("drops writes beyond 32 MiB that have not finished", async () => {
    const MiB = 2 ** 20;
    const { source } = remote(new Uint8Array(60 * MiB), '"1"');
    let pending = 0;
    let finish: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const cache: RangeCache = {
      ...memoryCache(),
      async write(_object, { bytes }) {
        pending += bytes.length;
        await finished;
        pending -= bytes.length;
      },
    };
    const cached = withRangeCache(source, cache);
    const read = (at: number) => cached.read([{ start: at * MiB, end: (at + 1) * MiB }]);
    for (let at = 0; at < 50; at++) await read(at);
    expect(pending).toBe(32 * MiB);
    finish();
    await cached.close();
    expect(pending).toBe(0);
  });
});
