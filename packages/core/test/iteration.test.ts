import { describe, expect, it } from "vitest";
import {
  encodeArchive,
  LazyList,
  LazyMap,
  openArchive,
  type ReadProgress,
  readProgress,
  Sequence,
} from "../src/index.js";
import { observedSource } from "./observed-source.js";
import { failure } from "./outcome.js";

const CODECS = ["msgpack", "cbor"] as const;
const text = (i: number): string => `${i} ${"x".repeat(20_000)}`;

describe.each(CODECS)("walking over a large container in %s", (codec) => {
  const list = Array.from({ length: 300 }, (_, i) => text(i));
  const map = Object.fromEntries(list.map((item, i) => [`key ${i}`, item]));
  const numbers = Array.from({ length: 500_000 }, (_, i) => i);
  const bytes = encodeArchive({ list, map, numbers }, { codec });

  it("fetches ahead, in few requests, and never far more than is wanted", async () => {
    for (const path of ["list", "map"]) {
      const source = observedSource(bytes);
      const archive = await openArchive(source, { cacheBytes: 0, readAhead: 0, tailBytes: 64 * 1024 });
      const opened = source.requests;
      let seen = 0;
      let requestsAtFirst = 0;
      for await (const [, value] of archive.entries(path)) {
        expect(value).toBe(list[seen++]);
        if (seen === 1) requestsAtFirst = source.requests;
        // While the first window is handed out, the second is on its way: no more.
        if (seen === 10) {
          const fetched = source.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
          expect(fetched).toBeLessThan(bytes.length / 2);
        }
      }
      expect(seen).toBe(300);
      expect(requestsAtFirst).toBeGreaterThan(opened);
      // 6 MB in windows of about a megabyte.
      expect(source.requests - opened).toBeLessThan(12);
    }
  });

  it("reads whole blocks at once", async () => {
    const source = observedSource(bytes);
    const archive = await openArchive(source, { cacheBytes: 0, readAhead: 0, tailBytes: 64 * 1024 });
    const opened = source.requests;
    const lazy = (await archive.get("numbers")) as LazyList;
    expect(lazy).toBeInstanceOf(LazyList);
    let next = 0;
    for await (const item of lazy) {
      if (item !== next) expect(item).toBe(next);
      next++;
    }
    expect(next).toBe(500_000);
    expect(source.requests - opened).toBeLessThan(8);
  });

  it("every loop is its own, also one inside another", async () => {
    const archive = await openArchive(bytes);
    const lazy = (await archive.get("list")) as LazyList;
    let pairs = 0;
    for await (const outer of lazy) {
      for await (const [index, inner] of lazy.entries()) {
        if (index === 3) break;
        expect(inner).toBe(list[index]);
        pairs++;
      }
      if (outer === list[4]) break;
    }
    expect(pairs).toBe(15);
  });
});

describe("a sequence", () => {
  const value = { list: [1, [2], { a: 3 }], map: { k: 1, l: [2] } };

  it("is collected as an array, or walked over", async () => {
    for (const smallObjectThreshold of [0, 8192]) {
      const archive = await openArchive(encodeArchive(value, { smallObjectThreshold }));
      const keys = archive.keys("map");
      expect(keys).toBeInstanceOf(Sequence);
      expect(await keys.toArray()).toEqual(["k", "l"]);
      expect(await Promise.all([keys.toArray(), archive.keys("list").toArray()])).toEqual([
        ["k", "l"],
        [0, 1, 2],
      ]);
      const seen: unknown[] = [];
      for await (const key of keys) seen.push(key);
      expect(seen).toEqual(["k", "l"]);
      expect((await archive.entries("list").toArray()).map(([index]) => index)).toEqual([0, 1, 2]);
    }
  });

  it("does nothing before it is asked, and fails when it is", async () => {
    const source = observedSource(encodeArchive(value, { smallObjectThreshold: 0 }));
    const archive = await openArchive(source, { tailBytes: 0, headBytes: 50 });
    const { requests } = source;
    const missing = archive.keys("no");
    archive.entries("list");
    archive.select("*");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(source.requests).toBe(requests);
    expect(await failure(missing.toArray())).toBe("not-found");
    const looping = (async () => {
      for await (const _ of missing);
    })();
    expect(await failure(looping)).toBe("not-found");
  });

  it("stops reading when it is left", async () => {
    const bytes = encodeArchive(Array.from({ length: 400 }, (_, i) => text(i)));
    const source = observedSource(bytes);
    const archive = await openArchive(source, { cacheBytes: 0, readAhead: 0, tailBytes: 64 * 1024 });
    for await (const _ of archive.entries()) break;
    const { requests } = source;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(source.requests - requests).toBeLessThanOrEqual(1);
  });

  it("with damage in its second window gives the first, then fails", async () => {
    const bytes = encodeArchive(Array.from({ length: 200 }, (_, i) => text(i)));
    // The last text begins with bytes that are not UTF-8.
    bytes[50 + 3 + 199 * 20_006 + 20] = 0xff;
    const archive = await openArchive(bytes);
    let seen = 0;
    const walking = (async () => {
      for await (const _ of archive.entries()) seen++;
    })();
    expect(await failure(walking)).toBe("corrupt");
    expect(seen).toBeGreaterThan(20);
    expect(seen).toBeLessThan(200);
  });
});

describe("handles", () => {
  it("of maps look up keys without a request, and read values when asked", async () => {
    const bytes = encodeArchive({ a: text(1), b: { c: text(2) }, "10": text(3) });
    const source = observedSource(bytes);
    const archive = await openArchive(source, { tailBytes: 100, cacheBytes: 0 });
    const map = (await archive.get()) as LazyMap;
    expect(map).toBeInstanceOf(LazyMap);
    const { requests } = source;
    // A plain object has its integer-like keys first already when it is written.
    expect(await map.keys().toArray()).toEqual(["10", "a", "b"]);
    expect(map.size).toBe(3);
    expect(await Promise.all([map.has("a"), map.has("c"), map.has(10)])).toEqual([true, false, false]);
    expect(source.requests).toBe(requests);
    expect(await map.get("a")).toBe(text(1));
    const inner = (await map.get("b")) as LazyMap;
    expect(await inner.get("c")).toBe(text(2));
    expect(await map.toValue()).toEqual({ a: text(1), b: { c: text(2) }, "10": text(3) });
    const entries: unknown[] = [];
    for await (const entry of map) entries.push(entry[0]);
    expect(entries).toEqual(["10", "a", "b"]);
  });

  it("of empty containers and of one item", async () => {
    for (const value of [[], {}, [[]], { a: {} }]) {
      const archive = await openArchive(encodeArchive(value, { smallObjectThreshold: 0, trivialSize: 0 }));
      expect(await archive.read()).toEqual(value);
      expect(await archive.size()).toBe(Object.keys(value).length);
      expect(await archive.entries().toArray()).toHaveLength(Object.keys(value).length);
      expect(await archive.read([])).toEqual(value);
      if (Array.isArray(value) && value.length === 0) {
        for (const path of ["0:1", ":", "::", "-1:"]) expect(await archive.read(path)).toEqual([]);
      }
    }
  });
});

describe.each([false, true])("a page of keys (page index: %s)", (pageIndex) => {
  const keys = Array.from({ length: 200_000 }, (_, i) => `key ${i}`);
  const value = {
    map: new Map(keys.map((key, i) => [key, i])),
    list: ["a", "b", "c"],
    few: { a: 1, b: 2, c: 3 },
  };
  const bytes = encodeArchive(value, { pageIndex, smallObjectThreshold: 16, trivialSize: 0 });
  const open = (source = observedSource(bytes)) => openArchive(source, { tailBytes: 64 * 1024 });

  it("is the keys of a map or the indices of a list from start on, at most limit of them", async () => {
    const archive = await open();
    for (const [start, limit] of [
      [0, 3],
      [123_456, 5],
      [199_998, 10],
      [200_000, 1],
      [300_000, 1],
      [7, 0],
    ]) {
      const page = await archive.keys("map", { start, limit }).toArray();
      expect(page).toEqual(keys.slice(start!, start! + limit!));
    }
    expect(await archive.keys("map", { start: 199_999 }).toArray()).toEqual(["key 199999"]);
    expect(await archive.keys("list", { start: 1, limit: 9 }).toArray()).toEqual([1, 2]);
    expect(await archive.keys("few", { start: 1, limit: 1 }).toArray()).toEqual(["b"]);
    const map = (await archive.get("map")) as LazyMap;
    expect(await map.keys({ start: 5, limit: 2 }).toArray()).toEqual(["key 5", "key 6"]);
  });

  it("reads only the pages of the table that it is in", async () => {
    if (!pageIndex) return;
    const source = observedSource(bytes);
    const archive = await open(source);
    const before = source.ranges.length;
    await archive.keys("map", { start: 150_000, limit: 100 }).toArray();
    const read = source.ranges.slice(before).reduce((sum, { start, end }) => sum + end - start, 0);
    expect(read).toBeLessThan(bytes.length / 20);
  });

  it("rejects a negative or fractional start or limit with RangeError", async () => {
    const archive = await open();
    for (const page of [{ start: -1 }, { limit: -1 }, { start: 0.5 }, { limit: Number.NaN }]) {
      await expect(archive.keys("map", page).toArray()).rejects.toThrow(RangeError);
      await expect(archive.keys("list", page).toArray()).rejects.toThrow(RangeError);
    }
  });
});

it("reports the bytes of a long read as they arrive, up to the expected ones", async () => {
  const bytes = encodeArchive(Array.from({ length: 300 }, (_, i) => text(i)));
  const archive = await openArchive(observedSource(bytes), { maxRequestBytes: 2 ** 20 });
  const steps: ReadProgress[] = [];
  await archive.read([], { onRequest: readProgress((progress) => steps.push(progress), archive.info.size) });
  expect(steps.length).toBeGreaterThan(1);
  expect(steps.map(({ bytesRead }) => bytesRead)).toEqual(
    steps.map(({ bytesRead }) => bytesRead).toSorted((a, b) => a - b),
  );
  expect(steps.at(-1)!.bytesRead).toBeGreaterThan(bytes.length * 0.9);
  expect(steps.at(-1)!.bytesRead).toBeLessThanOrEqual(bytes.length);
  expect(steps[0]!.totalBytes).toBe(bytes.length);
});
