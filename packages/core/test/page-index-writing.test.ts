import { describe, expect, it } from "vitest";
import { decodeHeader } from "../src/format/header.js";
import { decodeFooter } from "../src/format/page-index.js";
import {
  appendArchives,
  buildPageIndex,
  combineArchives,
  encodeArchive,
  mapOf,
  memorySink,
  openArchive,
  type WriteOptions,
  type WriteResult,
  writeArchive,
} from "../src/index.js";
import { combinedLayout } from "../src/internal.js";
import { IndexLookup, type Step } from "./index-lookup.js";

/** The parts of an archive. */
function parts(archive: Uint8Array) {
  const { protocol, tocStart, tocSize } = decodeHeader(archive);
  const table = 50 + tocStart;
  return {
    protocol,
    tocStart,
    plain: archive.subarray(0, table + tocSize),
    table: archive.subarray(table, table + tocSize),
    index: archive.subarray(table + tocSize),
  };
}

function lookup(archive: Uint8Array): IndexLookup {
  const { protocol, tocStart, table, index } = parts(archive);
  return new IndexLookup(index, table, protocol, tocStart);
}

async function written(value: unknown, options: WriteOptions): Promise<Uint8Array> {
  const sink = memorySink();
  const { size } = await writeArchive(sink, value, options);
  expect(size).toBe(sink.bytes().length);
  return sink.bytes();
}

const numbers = (count: number, factor = 1): number[] => Array.from({ length: count }, (_, i) => i * factor);
const textMap = (count: number, name: string): Record<string, unknown> =>
  Object.fromEntries(numbers(count).map((i) => [`${name} ${i}`, { i, text: "x".repeat(i % 40) }]));

/** Of every shape that a large node may have, and small ones between them. */
const VALUE = new Map<string, unknown>([
  ["first", 1],
  ["texts", textMap(40_000, "entry")],
  ["small", { a: [1, 2, 3] }],
  ["floats", numbers(60_000, 0.5)],
  ["list", numbers(9_000).map((i) => `item ${i}`.padEnd(60, "."))],
  ["one page", new Map([["inner", { deeper: textMap(900, "näme") }]])],
  [
    "keys",
    new Map<unknown, unknown>([
      ...numbers(2_000).map((i) => [i * 3 - 2000, "v".repeat(30)] as const),
      ...numbers(1_000).map((i) => [i + 0.25, "v".repeat(30)] as const),
      ...numbers(1_000).map((i) => [Uint8Array.of(i >> 8, i), "v".repeat(30)] as const),
      [null, "of null".repeat(9)],
      [true, "of true".repeat(9)],
      [false, "of false".repeat(9)],
      ["k".repeat(20_000), "of a long key"],
      ["", "of none"],
    ]),
  ],
  ["short lists", numbers(1_500).map((row) => numbers(40).map((i) => i * row))],
  ["rows", numbers(40).map((row) => textMap(400 + row, `row ${row}`))],
  ["last", "z".repeat(100)],
]);
const OPTIONS = { smallObjectThreshold: 64, trivialSize: 12 };

/** Paths of everything in a value down to a depth, with the encoded values. */
function* paths(value: unknown, path: readonly Step[] = []): Generator<readonly Step[]> {
  yield path;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries())
      if (i % 7 === 0 || i > value.length - 3) yield* paths(item, [...path, i]);
  } else if (value instanceof Map) {
    for (const [key, item] of value) yield* paths(item, [...path, key as Step]);
  } else if (typeof value === "object" && value !== null && path.length < 3) {
    for (const [key, item] of Object.entries(value)) yield* paths(item, [...path, key]);
  }
}

function valueAt(path: readonly Step[]): unknown {
  return path.reduce((at: unknown, step) => {
    if (at instanceof Map) return at.get(step);
    return (at as Record<string, unknown>)[step as string];
  }, VALUE);
}

describe.each(["msgpack", "cbor"] as const)("%s", (codec) => {
  const archive = encodeArchive(VALUE, { ...OPTIONS, codec, pageIndex: true });

  it("a lookup that follows the document finds every entry, at its value", () => {
    const index = lookup(archive);
    let checked = 0;
    for (const path of paths(VALUE)) {
      const found = index.find(path);
      if (found === undefined) {
        // Inside small values there are no nodes.
        expect(path.length > 2 || path[0] === "small", path.join("/")).toBe(true);
        continue;
      }
      if ("block" in found) {
        const [, start, end] = found.block as [number, number, number];
        const items = index.decode(archive.subarray(50 + start, 50 + end));
        expect(items[found.nth]).toBe(valueAt(path));
      } else {
        const span = (found.node as Map<string, unknown>).get("p") as [number, number] | number[][];
        if (Array.isArray(span[0])) continue;
        const [start, end] = span as [number, number];
        if (end - start > 2000) continue;
        const value = index.decode(archive.subarray(50 + start, 50 + end))[0];
        const wanted = valueAt(path);
        if (typeof wanted !== "object" || wanted === null) expect(value).toEqual(wanted);
        else if (Array.isArray(wanted)) expect(value).toEqual(wanted);
        else expect(value instanceof Map ? value.size : 0).toBe(Object.keys(wanted).length);
      }
      checked++;
    }
    expect(checked).toBeGreaterThan(50_000);
  }, 120_000);

  it("a lookup does not find what is not there", () => {
    const index = lookup(archive);
    const absent: Step[][] = [
      ["none"],
      ["texts", "entry 40000"],
      ["texts", "entry"],
      ["list", 9_000],
      ["floats", 60_000],
      ["keys", 2],
      ["keys", 0.5],
      ["keys", Uint8Array.of(9)],
      ["keys", "0"],
    ];
    for (const path of absent) expect(index.find(path), path.join("/")).toBeUndefined();
  });

  it("pages cover the entries of each large node without a gap, and say where each begins", () => {
    const index = lookup(archive);
    const { table } = parts(archive);
    expect(index.records.length).toBeGreaterThan(40);
    for (const { first, count, kind, pages, level, items } of index.records) {
      let at = first;
      let entry = 0;
      for (const [i, page] of pages.entries()) {
        expect(page.offset).toBe(at);
        expect(page.first).toBe(entry);
        const child = index.records.find((one) => one.level === level + 1 && one.key === at);
        expect(page.large).toBe(child !== undefined);
        const bytes = table.subarray(at, at + page.size);
        if (child !== undefined) {
          expect(at + page.size).toBe(child.first);
          at = child.end;
          entry++;
          continue;
        }
        const entries = index.decode(bytes);
        if (kind === 2) entry += (entries as number[][]).reduce((sum, [n]) => sum + n!, 0);
        else entry += kind === 0 ? entries.length / 2 : entries.length;
        at += page.size;
        const cut = i === pages.length - 1 || pages[i + 1]!.large;
        expect(cut || page.size >= 8192).toBe(true);
        // Without its last entry it would be shorter than a page.
        expect(page.size).toBeLessThan(8192 + 20_100);
        const position = page.start + 50;
        if (kind === 0) {
          // The key is repeated where the page says that its entry begins.
          const [key] = entries;
          const length = typeof key === "string" ? 1 + Buffer.byteLength(key) : 1;
          const start = archive.subarray(position, position + length);
          expect(Buffer.compare(start, bytes.subarray(0, length))).toBe(0);
        } else if (kind === 2) {
          expect((entries as number[][])[0]![1]).toBe(page.start);
        } else {
          const span = (entries[0] as Map<string, number[]>).get("p")!;
          if (!Array.isArray(span[0])) expect(span[0]).toBe(page.start);
        }
      }
      expect(entry).toBe(kind === 2 ? items : count);
      expect(items).toBe(entry);
    }
  });

  it("bytes up to the end of the table are the same with and without an index", async () => {
    const without = encodeArchive(VALUE, { ...OPTIONS, codec, pageIndex: false });
    expect(Buffer.compare(parts(archive).plain, without)).toBe(0);
    expect(parts(without).index).toHaveLength(0);
    expect(await (await openArchive(archive)).read(["texts", "entry 17"])).toEqual({
      i: 17,
      text: "x".repeat(17),
    });
  });

  it("a streamed archive has the same index", async () => {
    const streamed = await written(mapOf(VALUE, { count: VALUE.size }), {
      ...OPTIONS,
      codec,
      pageIndex: true,
    });
    expect(Buffer.compare(streamed, archive)).toBe(0);
  });

  it("an index that is built later is the same, of an archive with one or without", async () => {
    const { plain, index, table } = parts(archive);
    for (const source of [archive, plain]) {
      const { bytes, info } = await buildPageIndex(source);
      expect(Buffer.compare(bytes, index)).toBe(0);
      expect(info).toMatchObject({ tableBytes: table.length, indexBytes: index.length });
      expect(info.nodes).toBe(lookup(archive).records.length);
    }
    const shifted = new Uint8Array(99 + archive.length);
    shifted.set(archive, 99);
    expect(Buffer.compare((await buildPageIndex(shifted, { offset: 99 })).bytes, index)).toBe(0);
  });
});

describe("the option pageIndex", () => {
  const large = numbers(20_000).map((i) => `item ${i}`.padEnd(60, "."));
  const larger = numbers(90_000).map((i) => `item ${i}`.padEnd(60, "."));
  const options = { smallObjectThreshold: 64 };

  it('"auto" makes an index where the table is larger than 1 MiB', async () => {
    for (const pageIndex of [undefined, "auto"] as const) {
      expect(parts(encodeArchive(large, { ...options, pageIndex })).index).toHaveLength(0);
      expect(parts(encodeArchive(larger, { ...options, pageIndex })).index.length).toBeGreaterThan(0);
      expect(parts(await written(large, { ...options, pageIndex })).index).toHaveLength(0);
      expect(parts(await written(larger, { ...options, pageIndex })).index.length).toBeGreaterThan(0);
    }
  });

  it("true makes an index where the root is large, false makes none", async () => {
    expect(parts(encodeArchive(large, { ...options, pageIndex: true })).index.length).toBeGreaterThan(0);
    expect(parts(encodeArchive(larger, { ...options, pageIndex: false })).index).toHaveLength(0);
    expect(parts(await written(larger, { ...options, pageIndex: false })).index).toHaveLength(0);
    const small = numbers(100).map((i) => `item ${i}`.padEnd(60, "."));
    expect(parts(encodeArchive(small, { ...options, pageIndex: true })).index).toHaveLength(0);
    expect(parts(encodeArchive(7, { pageIndex: true })).index).toHaveLength(0);
  });

  it("rejects anything else with TypeError", async () => {
    for (const pageIndex of ["yes", 1, null, {}] as never[]) {
      expect(() => encodeArchive(1, { pageIndex })).toThrow(TypeError);
      await expect(writeArchive(memorySink(), 1, { pageIndex })).rejects.toThrow(TypeError);
      await expect(combineArchives(memorySink(), [{ value: 1 }], { pageIndex })).rejects.toThrow(TypeError);
      await expect(combinedLayout([{ size: 60 }], { pageIndex })).rejects.toThrow(TypeError);
    }
  });
});

describe.each(["msgpack", "cbor"] as const)("combined archives, %s", (codec) => {
  const child = encodeArchive([1, 2, 3]);
  const indexed = encodeArchive(
    numbers(3_000).map((i) => `item ${i}`.padEnd(60, ".")),
    { smallObjectThreshold: 64, pageIndex: true },
  );
  const children = numbers(3_000).map((i) => ({ name: `child ${i}`, source: i === 5 ? indexed : child }));
  const combined = async (pageIndex: boolean, from: typeof children = children): Promise<Uint8Array> => {
    const sink = memorySink();
    const { size } = await combineArchives(sink, from, { codec, pageIndex });
    expect(size).toBe(sink.bytes().length);
    return sink.bytes();
  };

  it("the index finds every child, and children keep their own", async () => {
    const archive = await combined(true);
    const { plain } = parts(archive);
    expect(Buffer.compare(plain, await combined(false))).toBe(0);
    const index = lookup(archive);
    for (const i of numbers(3_000)) {
      const { node } = index.find([`child ${i}`]) as { node: number };
      const start = 50 + node;
      const bytes = i === 5 ? indexed : child;
      expect(Buffer.compare(archive.subarray(start, start + bytes.length), bytes)).toBe(0);
    }
    const [root] = index.records;
    for (const { first, start } of root!.pages) {
      expect(index.find([`child ${first}`])).toEqual({ node: start });
    }
  });

  it("the layout of an archive that is put together elsewhere has the index", async () => {
    const archive = await combined(true);
    const sizes = children.map(({ name, source }) => ({ name, size: source.length }));
    const { table, index, size } = await combinedLayout(sizes, { codec, pageIndex: true });
    expect(size).toBe(archive.length);
    expect(Buffer.compare(table, parts(archive).table)).toBe(0);
    expect(Buffer.compare(index, parts(archive).index)).toBe(0);
    expect((await combinedLayout(sizes, { codec })).index).toHaveLength(0);
  });

  it("appending makes a new index, and copies data only", async () => {
    const before = await combined(true, children.slice(0, 2_000));
    const sink = memorySink();
    await appendArchives({ source: before, sink }, children.slice(2_000), { pageIndex: true });
    expect(Buffer.compare(sink.bytes(), await combined(true))).toBe(0);
    const without = memorySink();
    await appendArchives({ source: before, sink: without }, children.slice(2_000), { pageIndex: false });
    expect(Buffer.compare(without.bytes(), await combined(false))).toBe(0);
  });

  it("appending in place leaves an archive with a new index, or with none", async () => {
    const before = await combined(true, children.slice(0, 2_000));
    for (const pageIndex of [false, true]) {
      const tail: Uint8Array[] = [];
      let object = new Uint8Array(0);
      const sink = {
        async write(chunk: Uint8Array): Promise<void> {
          tail.push(chunk);
        },
        async finish(header: Uint8Array): Promise<WriteResult> {
          object = overlaid(before, Buffer.concat([parts(before).plain, ...tail]));
          object.set(header);
          return { size: object.length };
        },
        async abort(): Promise<void> {},
      };
      await appendArchives({ source: before, sink, inPlace: true }, children.slice(2_000, 2_001), {
        pageIndex,
      });
      if (pageIndex) expect(lookup(object).find(["child 2000"])).toBeDefined();
      else expect(parts(object).index).toHaveLength(0);
      const archive = await openArchive(object);
      expect(await archive.read(["child 2000", 1])).toBe(2);
      expect(await archive.read(["child 1999", 1])).toBe(2);
    }
  });

  it("a footer that outlives an append does not match the new header", async () => {
    const before = await combined(true, children.slice(0, 2_000));
    // As the reference appends: over the old table, and the file is not cut.
    const object = overlaid(before, await combined(false, children.slice(0, 2_001)));
    expect(object).toHaveLength(before.length);
    const { index, table, tocStart, protocol } = parts(object);
    expect(() => new IndexLookup(index, table, protocol, tocStart)).toThrow("header's fields");
    const footer = decodeFooter(object.subarray(-64))!;
    expect(footer.tocStart).not.toBe(tocStart);
    const archive = await openArchive(object);
    expect(await archive.read(["child 2000", 1])).toBe(2);
  });
});

/** An object after bytes were written over its start. */
function overlaid(object: Uint8Array, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(Math.max(object.length, bytes.length));
  all.set(object);
  all.set(bytes);
  return all;
}
