import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Archive,
  type ByteRange,
  combineArchives,
  encodeArchive,
  isPeekpackError,
  type LazyMap,
  memorySink,
  type OpenOptions,
  openArchive,
  type Path,
  type RangeSource,
  readEngine,
  Slice,
  slice,
} from "../src/index.js";

/*
 * In a page the rest of the reader is loaded when it is first needed; in Node it is there from the start. Both must give
 * the same.
 */
const list = Array.from({ length: 3000 }, (_, i) => ({ id: i, text: `item ${i} ${"x".repeat(20)}` }));
const data = {
  small: { a: 1, b: [10, 20, { c: "deep" }], "7": "seven", length: 3 },
  numbers: Array.from({ length: 20_000 }, (_, i) => i / 3),
  list,
  map: Object.fromEntries(list.map((item, i) => [`key ${i}`, item])),
  long: "y".repeat(20_000),
};
const bytes = encodeArchive(data);

/** A source that does not tell that it is memory, so that all of the engine is around it. */
function remote(of: Uint8Array): RangeSource {
  return {
    label: "remote",
    probe: async ({ head, tail }) => ({
      size: of.length,
      version: '"1"',
      head: of.slice(0, head),
      tail: of.slice(Math.max(0, of.length - tail)),
    }),
    read: async (ranges) => ranges.map(({ start, end }) => of.slice(start, end)),
  };
}

const outcome = async (work: () => Promise<unknown>): Promise<unknown> => {
  try {
    return { value: await work() };
  } catch (error) {
    if (!isPeekpackError(error)) return { thrown: String(error) };
    const { code, message, path, section, offset } = error;
    return { code, message, path, section, offset };
  }
};

const paths: (Path | undefined)[] = [
  undefined,
  "",
  "small",
  "small/a",
  "small/b/1",
  "small/b/-1",
  "small/b/02",
  "small/b/ 2 ",
  "small/b/length",
  "small/b/3",
  "small/b/0:2",
  "small/b/2/c",
  "small/b/2/d",
  "small/7",
  ["small", 7],
  "small/length",
  "small/constructor",
  "small/a/b",
  "numbers",
  "numbers/12345",
  "numbers/20000",
  "numbers/1:4",
  "list",
  "list/0",
  "list/2999/text",
  "list/-1/id",
  "list/3000",
  "list/10:12",
  ["list", slice(-2)],
  ["list", new Slice(0, 2), 1, "id"],
  ["list", 5n, "id"],
  ["list", true],
  ["list", new Uint8Array([7])],
  ["small", "b", new Uint8Array([1])],
  ["small", "b", null],
  "map/key 17/id",
  "map/key 17",
  "map/none",
  ["map", "\ud800"],
  "long",
  "long/0",
];

describe("a page", () => {
  beforeEach(() => {
    vi.stubGlobal("location", { href: "https://example.org/page", origin: "https://example.org" });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  const inPage = (of: Uint8Array, options?: OpenOptions): Promise<Archive> =>
    openArchive(remote(of), options);
  async function inNode(of: Uint8Array): Promise<Archive> {
    vi.unstubAllGlobals();
    const archive = await openArchive(of);
    vi.stubGlobal("location", { href: "https://example.org/page", origin: "https://example.org" });
    return archive;
  }

  it.each([...paths.entries()])("reads path %i as Node does", async (_, path) => {
    const there = await inNode(bytes);
    for (const operation of ["read", "has", "size"] as const) {
      const here = await inPage(bytes);
      const expected = await outcome(() => there[operation](path as string));
      expect(await outcome(() => here[operation](path as string)), operation).toEqual(expected);
      // Once more, with the table in memory.
      await here.size();
      expect(await outcome(() => here[operation](path as string)), operation).toEqual(expected);
    }
    const keys = await outcome(async () => await there.keys(path).toArray());
    expect(await outcome(async () => await (await inPage(bytes)).keys(path).toArray())).toEqual(keys);
    const raw = await outcome(() => new Response(there.raw(path)).arrayBuffer());
    const page = await inPage(bytes);
    expect(await outcome(() => new Response(page.raw(path)).arrayBuffer())).toEqual(raw);
  });

  it("gives handles, sequences and selections", async () => {
    const lazy = (await (await inPage(bytes)).get()) as LazyMap;
    expect(await lazy.keys().toArray()).toEqual(Object.keys(data));
    expect(await lazy.get("small")).toEqual(data.small);
    const ids = await (await inPage(bytes)).select("list/*/id").toArray();
    expect(ids.map(({ value }) => value)).toEqual(list.map(({ id }) => id));
    const entries = await (await inPage(bytes)).entries("small").toArray();
    expect(entries).toEqual(Object.entries(data.small));
  });

  it("reads many values at once, with as few requests as Node", async () => {
    const wanted = list.map((_, i) => `map/key ${i}/id`);
    const here = await inPage(bytes, { tailBytes: 0, headBytes: 0 });
    const before = here.stats.requests;
    expect(await here.readMany(wanted)).toEqual(list.map(({ id }) => id));
    expect(here.stats.requests - before).toBeLessThan(8);
  });

  it("reads many values one by one", async () => {
    const here = await inPage(bytes);
    const values = await Promise.all(list.map((_, i) => here.read(`map/key ${i}/id`)));
    expect(values).toEqual(list.map(({ id }) => id));
    expect(await here.read("list/1234/id")).toBe(1234);
  });

  it("opens a kept index, an archive within an object, and archives inside archives", async () => {
    const index = (await inPage(bytes)).index();
    expect(await (await inPage(bytes, { index })).read("small/a")).toBe(1);
    const padded = new Uint8Array(100 + bytes.length);
    padded.set(bytes, 100);
    expect(await (await inPage(padded, { offset: 100 })).read("small/a")).toBe(1);
    expect(await (await inPage(padded, { offset: 100, size: bytes.length })).read("small/a")).toBe(1);
    const sink = memorySink();
    await combineArchives(sink, [
      { name: "one", value: data },
      { name: "two", source: bytes },
    ]);
    const combined = await inPage(sink.bytes());
    expect(combined.info.kind).toBe("combined-map");
    expect(await combined.read("two/list/7/id")).toBe(7);
    expect(await combined.read("one/small")).toEqual(data.small);
  });

  it("shares requests between callers, and each caller can abort its own", async () => {
    const asked: ByteRange[] = [];
    const inner = remote(bytes);
    const held: (() => void)[] = [];
    let hold = false;
    const engine = readEngine({
      ...inner,
      async read(ranges, options) {
        asked.push(...ranges);
        if (hold) await new Promise<void>((resolve) => held.push(resolve));
        options?.signal?.throwIfAborted();
        return inner.read(ranges, options);
      },
    });
    await engine.probe({ head: 100, tail: 0 });
    const range = { start: 5000, end: 6000 };
    expect((await engine.read([{ start: 10, end: 20 }]))[0]).toEqual(bytes.subarray(10, 20));
    expect(asked).toEqual([]);
    hold = true;
    const leaving = new AbortController();
    const first = engine.read([range], { signal: leaving.signal });
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    // Another comes later, for some of the same bytes, and stays when the first has left.
    const second = engine.read([{ start: 5500, end: 6000 }]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(asked).toHaveLength(1);
    leaving.abort(new Error("enough"));
    await expect(first).rejects.toThrow("enough");
    hold = false;
    for (const go of held) go();
    expect((await second)[0]).toEqual(bytes.subarray(5500, 6000));
    // What has come is not asked for again.
    const count = asked.length;
    expect((await engine.read([{ start: 5600, end: 5700 }]))[0]).toEqual(bytes.subarray(5600, 5700));
    expect(asked).toHaveLength(count);
  });

  it("coalesces the reads of a batch, and rejects them when it is closed", async () => {
    const engine = readEngine(remote(bytes), { readAhead: 0 });
    await engine.probe({ head: 100, tail: 0 });
    const ranges = [0, 1, 2, 3].map((i) => ({ start: 5000 + i * 100, end: 5050 + i * 100 }));
    const parts = await Promise.all(ranges.map((range) => engine.read([range])));
    expect(parts.map(([part]) => part)).toEqual(ranges.map(({ start, end }) => bytes.subarray(start, end)));
    expect(engine.stats.requests).toBe(2);
    const silent = readEngine({ ...remote(bytes), read: () => new Promise(() => {}) });
    await silent.probe({ head: 100, tail: 0 });
    const waiting = silent.read([{ start: 500, end: 600 }]);
    waiting.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 10));
    await silent.close!();
    await expect(waiting).rejects.toMatchObject({ code: "closed" });
    await expect(silent.read([{ start: 500, end: 600 }])).rejects.toMatchObject({ code: "closed" });
  });

  it("writes and combines an open archive of which nothing was read", async () => {
    const again = memorySink();
    await combineArchives(again, [{ name: "copy", source: await inPage(bytes) }]);
    expect(await (await openArchive(again.bytes())).read("copy/small")).toEqual(data.small);
    const value = memorySink();
    await combineArchives(value, [{ name: "value", value: { inner: await inPage(bytes) } }]);
    expect(await (await openArchive(value.bytes())).read("value/inner/map")).toEqual(data.map);
  });
});
