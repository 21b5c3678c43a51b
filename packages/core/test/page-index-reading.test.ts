import { describe, expect, it } from "vitest";
import { decodeHeader } from "../src/format/header.js";
import { pathKeyHash } from "../src/format/page-index.js";
import {
  type Archive,
  buildPageIndex,
  combineArchives,
  type EncodeOptions,
  encodeArchive,
  type LazyList,
  LazyMap,
  memorySink,
  openArchive,
  type Path,
  slice,
  type Value,
} from "../src/index.js";
import { outlineEntries } from "../src/inspect/index.js";
import { observedSource } from "./observed-source.js";
import { collected, failure } from "./outcome.js";
import { everyKind, places } from "./places.js";

const CODECS = ["msgpack", "cbor"] as const;
const KiB = 1024;

/** A document with large maps and lists at several levels, and small values in between. */
function large(entries: number): { [key: string]: Value } {
  return {
    meta: { title: "small", kinds: everyKind() as Value },
    entries: Object.fromEntries(
      Array.from({ length: entries }, (_, i) => [
        `entry ${i}`,
        { id: i, text: `text of entry ${i} `.repeat(4) },
      ]),
    ),
    list: Array.from({ length: entries }, (_, i) => `item ${i} of a list of long texts`),
    nested: Array.from({ length: 4 }, (_, i) =>
      Object.fromEntries(
        Array.from({ length: entries / 4 }, (_v, j) => [`key ${i}/${j}`, `value ${i}/${j} `.repeat(4)]),
      ),
    ),
    floats: Array.from({ length: entries * 10 }, (_, i) => i / 3),
    last: "the end",
  };
}

const options = (codec: "msgpack" | "cbor", pageIndex: boolean): EncodeOptions => ({
  codec,
  pageIndex,
  smallObjectThreshold: 64,
});

const opened = (bytes: Uint8Array, more = {}): Promise<Archive> =>
  openArchive(observedSource(bytes), { headBytes: 4 * KiB, tailBytes: 32 * KiB, ...more });

describe.each(CODECS)("an archive with a page index, in %s", (codec) => {
  const document = large(4000);
  const bytes = encodeArchive(document, options(codec, true));
  const plain = encodeArchive(document, options(codec, false));

  it("has the bytes of one without, and the index after them", () => {
    expect(bytes.length).toBeGreaterThan(plain.length);
    expect(Buffer.compare(bytes.subarray(0, plain.length), plain)).toBe(0);
  });

  it("gives the same values by every method", async () => {
    const archive = await opened(bytes);
    expect(archive.info.pageIndex.state).toBe("used");
    const reference = await openArchive(plain);
    const all = [...places(document)].filter((_, i) => i % 97 === 0 || i < 50);
    const paths = all.map(({ path }) => path as Path);
    expect(await archive.readMany(paths)).toEqual(await reference.readMany(paths));
    for (const path of [
      "entries/entry 17",
      "list/-1",
      "nested/3/key 3%2F1",
      "floats/7777",
      "meta/title",
      "last",
    ]) {
      expect(await archive.has(path)).toBe(await reference.has(path));
    }
    for (const path of ["", "entries", "list", "nested/2", "floats", "meta"]) {
      expect(await archive.size(path)).toBe(await reference.size(path));
      expect(await archive.keys(path).toArray()).toEqual(await reference.keys(path).toArray());
    }
    expect(await archive.entries("entries").toArray()).toHaveLength(4000);
    expect(await archive.read(["list", slice(100, 3000, 371)])).toEqual(
      await reference.read(["list", slice(100, 3000, 371)]),
    );
    expect(await archive.read("floats/1000:7:1100")).toEqual(await reference.read("floats/1000:7:1100"));
    expect(await archive.select("entries/*/id").toArray()).toEqual(
      await reference.select("entries/*/id").toArray(),
    );
    expect(await archive.select("nested/*/*").toArray()).toEqual(
      await reference.select("nested/*/*").toArray(),
    );
    expect(await archive.toTypedArray("floats", "float64")).toEqual(
      await reference.toTypedArray("floats", "float64"),
    );
    for (const path of ["floats", "entries/entry 5", "list/7", "floats/12345"]) {
      expect(Buffer.compare(await collected(archive.raw(path)), await collected(reference.raw(path)))).toBe(
        0,
      );
    }
    expect(await archive.read()).toEqual(document);
  }, 120_000);

  it("gives the same errors", async () => {
    const archive = await opened(bytes);
    for (const [path, code] of [
      ["entries/entry 4000", "not-found"],
      ["entries/", "no error"],
      [["entries", 7], "not-found"],
      [["entries", slice(1)], "bad-path"],
      ["list/4000", "not-found"],
      ["list/x", "bad-path"],
      ["floats/40000", "not-found"],
      ["nope", "not-found"],
    ] as const) {
      expect(await failure(archive.read(path as Path)), String(path)).toBe(code);
    }
    expect(await archive.has("entries/entry 3999")).toBe(true);
    expect(await archive.has("entries/entry 40000")).toBe(false);
  });

  it("gives handles that page through their entries", async () => {
    const archive = await opened(bytes, { tocCacheBytes: 0 });
    const map = (await archive.get("entries")) as LazyMap;
    expect(map.size).toBe(4000);
    expect(await map.has("entry 123")).toBe(true);
    expect(await map.has("entry")).toBe(false);
    expect(await failure(map.get("entry"))).toBe("not-found");
    expect(await map.get("entry 77")).toBeInstanceOf(LazyMap);
    expect(await archive.read("entries/entry 77")).toEqual(document.entries!["entry 77" as never]);
    const keys: Value[] = [];
    for await (const key of map.keys()) keys.push(key);
    expect(keys).toEqual(Object.keys(document.entries as object));
    const list = (await archive.get("list")) as LazyList;
    expect(await list.at(-1)).toBe("item 3999 of a list of long texts");
    expect(await list.slice(2000, 2003)).toEqual((document.list as Value[]).slice(2000, 2003));
    const rows = await outlineEntries(map, { start: 2500, end: 2510 })[Symbol.asyncIterator]().next();
    expect(rows.value!.map(({ key }) => key)).toEqual(keys.slice(2500, 2510));
    const handle = (await rows.value![7]!.get()) as LazyMap;
    expect(await handle.toValue()).toEqual(await archive.read(["entries", keys[2507] as string]));
  });

  it("reopens by its root block, and is read through a sidecar", async () => {
    const archive = await opened(bytes);
    const index = archive.index();
    expect(index.length).toBeLessThan(32 * KiB);
    const source = observedSource(bytes);
    const again = await openArchive(source, { index });
    expect(source.requests).toBe(0);
    expect(await again.read("entries/entry 9/id")).toBe(9);
    const { bytes: sidecar } = await buildPageIndex(plain);
    expect(Buffer.compare(sidecar, bytes.subarray(plain.length))).toBe(0);
    const beside = await opened(plain, { pageIndex: sidecar });
    expect(beside.info.pageIndex).toMatchObject({ state: "used", sidecar: true });
    expect(await beside.read(["nested", 1, "key 1/7"])).toBe("value 1/7 ".repeat(4));
    const kept = beside.index();
    expect(await failure(openArchive(plain, { index: kept }))).toBe("not-found");
    const third = await openArchive(observedSource(plain), { index: kept, pageIndex: sidecar });
    expect(await third.read("entries/entry 3000/id")).toBe(3000);
  });

  it("keys of every type are found by value", async () => {
    const map = new Map<unknown, unknown>(
      Array.from({ length: 3000 }, (_, i) => [`key ${i}`, `value ${i} `.repeat(4)]),
    );
    const odd: [unknown, string][] = [
      [7, "seven, in a text that is long"],
      [-3, "minus three, in a text that is long"],
      [2n ** 60n, "a bigint, in a text that is long"],
      [1.5, "a fraction, in a text that is long"],
      [true, "true, in a text that is long enough"],
      [null, "null, in a text that is long enough"],
      [new Uint8Array([1, 2, 3]), "bytes, in a text that is long enough"],
      ["", "the empty key, in a text that is long"],
      ["__proto__", "a key that is no prototype, in a long text"],
    ];
    for (const [key, value] of odd) map.set(key, value);
    const archive = await opened(encodeArchive(map, { ...options(codec, true), trivialSize: 8 }));
    expect(archive.info.pageIndex.state).toBe("used");
    for (const [key, value] of odd) expect(await archive.read([key as never])).toBe(value);
    expect(await archive.read([7n])).toBe(odd[0]![1]);
    expect(await archive.has([8])).toBe(false);
    expect(await archive.has(["7"])).toBe(false);
    expect(await archive.has([false])).toBe(false);
  });
});

describe("combined archives", () => {
  it("children use their own index, and a large root its own", async () => {
    const child = encodeArchive(large(2000), options("msgpack", true));
    const sink = memorySink();
    const names = Array.from({ length: 6 }, (_, i) => `child ${i}`);
    await combineArchives(
      sink,
      names.map((name) => ({ name, source: child })),
    );
    const source = observedSource(sink.bytes());
    const archive = await openArchive(source, {
      headBytes: 1024,
      tailBytes: 1024,
      cacheBytes: 0,
      readAhead: 0,
    });
    expect(await archive.read(["child 3", "entries", "entry 1500", "id"])).toBe(1500);
    const fetched = source.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    expect(fetched).toBeLessThan(200 * KiB);

    const many = memorySink();
    const small = encodeArchive({ energy: 1 });
    await combineArchives(
      many,
      Array.from({ length: 5000 }, (_, i) => ({ name: `entry ${i}`, source: small })),
      { pageIndex: true },
    );
    const combined = await opened(many.bytes());
    expect(combined.info).toMatchObject({ kind: "combined-map", pageIndex: { state: "used" } });
    expect(await combined.read("entry 4321/energy")).toBe(1);
    expect(await combined.size()).toBe(5000);
    expect(await combined.select("*/energy").toArray()).toHaveLength(5000);
    expect(Object.keys((await combined.read()) as object)).toHaveLength(5000);
  });
});

it("child archives whose index is damaged stay open as far as tocCacheBytes holds their whole tables", async () => {
  const document = large(1000);
  const child = encodeArchive(document, options("msgpack", true));
  const plain = encodeArchive(document, options("msgpack", false));
  // Everything but the root block and the footer.
  const footer = new DataView(child.buffer, child.byteOffset + child.length - 64);
  child.fill(0x55, plain.length, plain.length + Number(footer.getBigUint64(40, true)));
  const { tocBytes } = (await openArchive(plain)).info;
  const sink = memorySink();
  const names = Array.from({ length: 4 }, (_, i) => `child ${i}`);
  await combineArchives(
    sink,
    names.map((name) => ({ name, source: child })),
  );
  const source = observedSource(sink.bytes());
  const archive = await openArchive(source, {
    tocCacheBytes: tocBytes * 2.5,
    headBytes: 1024,
    tailBytes: 1024,
    cacheBytes: 0,
    tableBytes: 0,
    readAhead: 0,
  });
  const fetched = async (name: string): Promise<number> => {
    source.ranges.length = 0;
    expect(await archive.read([name, "entries", "entry 900", "id"])).toBe(900);
    return source.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  };
  for (const name of names) expect(await fetched(name)).toBeGreaterThan(tocBytes);
  expect(await fetched(names[3]!)).toBeLessThan(100);
  expect(await fetched(names[0]!)).toBeGreaterThan(tocBytes);
});

describe("an index that is wrong", () => {
  const document = large(3000);
  const plain = encodeArchive(document, options("msgpack", false));
  const bytes = encodeArchive(document, options("msgpack", true));
  const paths = [
    "entries/entry 2000/id",
    "list/1234",
    "last",
    "floats/3333",
    ["nested", 2, "key 2/500"],
  ] as Path[];

  it("is ignored if it is stale, cut or of a later version", async () => {
    const indexSize = bytes.length - plain.length;
    const other = encodeArchive(large(2000), options("msgpack", true));
    const otherPlain = encodeArchive(large(2000), options("msgpack", false));
    const later = Uint8Array.from(bytes);
    later[bytes.length - 56] = 2;
    for (const [wrong, state] of [
      [Buffer.concat([plain, other.subarray(otherPlain.length)]), "stale"],
      [Buffer.concat([plain, Buffer.alloc(10), bytes.subarray(plain.length)]), "stale"],
      [bytes.subarray(0, bytes.length - 1), "none"],
      [Buffer.concat([plain, Buffer.alloc(indexSize, 7)]), "none"],
      [later, "none"],
    ] as const) {
      const archive = await opened(new Uint8Array(wrong));
      expect(archive.info.pageIndex.state).toBe(state);
      expect(await archive.readMany(paths)).toEqual(await (await openArchive(plain)).readMany(paths));
    }
  });

  it("never takes a value away, wherever a byte of it is changed, and is known as damaged then", async () => {
    const wanted = await (await openArchive(plain)).readMany(paths);
    const states = new Set<string>();
    for (let at = plain.length; at < bytes.length; at += 313) {
      const wrong = Uint8Array.from(bytes);
      wrong[at]! ^= 1 + (at % 255);
      const archive = await opened(wrong);
      for (const [i, path] of paths.entries()) expect(await archive.read(path)).toEqual(wanted[i]);
      const { state, reason } = archive.info.pageIndex;
      states.add(state);
      expect(reason !== undefined, state).toBe(state === "damaged" || state === "stale");
    }
    expect(states).toContain("damaged");
    expect(states).toContain("used");
  }, 120_000);

  it("gives way to the table in the middle of a walk, in handles and in lists of blocks", async () => {
    const archive = await openArchive(plain);
    const read = async (from: Archive): Promise<unknown[]> => {
      const entries = (await from.get("entries")) as LazyMap;
      return [
        await from.keys("entries").toArray(),
        await from.read("floats"),
        entries.size,
        await entries.has("no such entry"),
        await ((await entries.get("entry 2999")) as LazyMap).toValue(),
        await entries.keys().toArray(),
      ];
    };
    const wanted = await read(archive);
    const damaged = Uint8Array.from(bytes);
    // Everything but the root block and the footer.
    const footer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 64);
    damaged.fill(0x55, plain.length, plain.length + Number(footer.getBigUint64(40, true)));
    const indexed = await opened(damaged);
    expect(indexed.info.pageIndex.state).toBe("used");
    expect(await read(indexed)).toEqual(wanted);
    expect(indexed.info.pageIndex).toMatchObject({
      state: "damaged",
      reason: expect.stringMatching(/^The page index is damaged: a (hash )?block has a wrong /),
    });
  });

  it("gives way after an append that was interrupted: other bytes over its start, the old end", async () => {
    const appended = Uint8Array.from(bytes);
    // The new data and table are longer than the old table, and end within the index.
    appended.set(bytes.subarray(bytes.length - 150_000, bytes.length - 130_000), plain.length);
    const archive = await opened(appended);
    expect(await archive.readMany(paths)).toEqual(await (await openArchive(plain)).readMany(paths));
    expect(archive.info.pageIndex).toMatchObject({ state: "damaged", reason: expect.any(String) });
  });

  it("gives way if its hash blocks are those of another archive", async () => {
    const hashBlocks = (archive: Uint8Array): Uint8Array => {
      const { tocStart, tocSize } = decodeHeader(archive);
      const index = archive.subarray(50 + tocStart + tocSize);
      const view = new DataView(index.buffer, index.byteOffset, index.length);
      const root = Number(view.getBigUint64(index.length - 24, true));
      const start = Number(view.getBigUint64(root + 16, true));
      const count = view.getUint32(root + 4, true);
      return index.subarray(start, start + (count + Math.ceil(count / 511)) * 8);
    };
    const indexed = (name: string): Uint8Array => {
      const entries = Array.from({ length: 3000 }, (_, i) => [`${name} ${i}`, "v"] as const);
      return encodeArchive(Object.fromEntries(entries), {
        ...options("msgpack", true),
        smallObjectThreshold: 1,
      });
    };
    const archive = indexed("key");
    const other = hashBlocks(indexed("another"));
    const wrong = Uint8Array.from(archive);
    expect(hashBlocks(wrong).length).toBe(other.length);
    hashBlocks(wrong).set(other);
    const reader = await opened(wrong);
    expect(await reader.readMany(["key 0", "key 1500", "key 2999"])).toEqual(["v", "v", "v"]);
    expect(await reader.has("another 7")).toBe(false);
    expect(reader.info.pageIndex.state).toBe("damaged");
  });

  it("does not mix up what was learned of pages with the whole table", async () => {
    const document = {
      small: Array.from({ length: 200 }, (_, i) => `text ${i}, of a length that has a node`),
      ...Object.fromEntries(Array.from({ length: 4000 }, (_, i) => [`key ${i}`, `value ${i} `.repeat(8)])),
    };
    const more = { smallObjectThreshold: 16 };
    const end = encodeArchive(document, { ...more, pageIndex: false }).length;
    const bytes = encodeArchive(document, { ...more, pageIndex: true });
    const archive = await openArchive(
      { ...observedSource(bytes), local: false },
      { headBytes: 50, tailBytes: 4096, readAhead: 0, cacheBytes: 0 },
    );
    expect(await archive.read(["small", 150])).toBe(document.small[150]);
    expect(archive.info.pageIndex.state).toBe("used");
    bytes.fill(0x55, end, bytes.length - 4096);
    const keys = Object.keys(document).slice(1);
    expect(await archive.readMany(keys.map((key) => [key]))).toEqual(Object.values(document).slice(1));
    expect(archive.info.pageIndex.state).toBe("damaged");
    expect(await archive.read(["small", 150])).toBe(document.small[150]);
  });

  it("does not make up for a table that is damaged", async () => {
    const { tocBytes } = (await openArchive(plain)).info;
    const wrong = Uint8Array.from(bytes);
    wrong.fill(0xc1, plain.length - Math.floor(tocBytes / 2), plain.length - 100);
    const archive = await opened(wrong);
    const outcomes = await Promise.allSettled(paths.map((path) => archive.read(path)));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected")
        expect(outcome.reason).toMatchObject({ code: "corrupt", section: "toc" });
    }
    expect(new Set(outcomes.map(({ status }) => status))).toContain("rejected");
    expect(archive.info.pageIndex.state).toBe("used");
  });

  it("is not replaced by a table beyond maxTocBytes", async () => {
    const damaged = Uint8Array.from(bytes);
    // Everything but the root block and the footer.
    const footer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 64);
    damaged.fill(0x55, plain.length, plain.length + Number(footer.getBigUint64(40, true)));
    const archive = await opened(damaged, { limits: { maxTocBytes: 1000 } });
    await expect(archive.read("entries/entry 2000/id")).rejects.toMatchObject({ code: "limit" });
    expect(archive.info.pageIndex.state).toBe("damaged");
  });
});

describe("a slice of a large list", () => {
  it("reads each page once, also if nothing is kept", async () => {
    const list = Array.from({ length: 10_000 }, (_, i) => `item ${i} of a list of long texts`);
    const bytes = encodeArchive(list, { pageIndex: true, smallObjectThreshold: 16 });
    const source = observedSource(bytes, { local: true });
    const archive = await openArchive(source, { tocCacheBytes: 0 });
    expect(archive.info.pageIndex.state).toBe("used");
    for (const [start, end, step] of [
      [100, 9000, 1],
      [0, 10_000, 7],
    ] as const) {
      source.ranges.length = 0;
      const items = await archive.read([slice(start, end, step)]);
      expect(items).toEqual(list.slice(start, end).filter((_, i) => i % step === 0));
      expect(new Set(source.ranges.map((range) => range.start)).size).toBe(source.ranges.length);
    }
  });
});

describe("two keys with one hash", () => {
  // Found by search.
  const [present, absent] = ["k861157", "k1001800"] as const;
  const map = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`key ${i}`, `a long value ${i}`]));
  const bytes = encodeArchive({ first: map, [present]: map }, { pageIndex: true, smallObjectThreshold: 16 });

  it("are told apart, whichever is looked up first", async () => {
    expect(pathKeyHash(present, () => 0)).toBe(pathKeyHash(absent, () => 0));
    for (const order of [[absent], [present, absent], [absent, present, absent]]) {
      const archive = await openArchive(observedSource(bytes), { tocCacheBytes: 0, tailBytes: 32_768 });
      expect(archive.info.pageIndex.state).toBe("used");
      for (const key of order) {
        expect(await archive.has([key, "key 7"])).toBe(key === present);
        expect(await archive.has([key])).toBe(key === present);
      }
    }
  });

  it("are told apart where the pages of one are known", async () => {
    const archive = await openArchive(observedSource(bytes), { tailBytes: 32_768 });
    expect(archive.info.pageIndex.state).toBe("used");
    expect(await archive.read([present, "key 7"])).toBe("a long value 7");
    await expect(archive.read([absent, "key 7"])).rejects.toMatchObject({ code: "not-found" });
  });

  it("are told apart when both are looked up at once", async () => {
    const archive = await openArchive(bytes, { tocCacheBytes: 0 });
    const found = [present, absent, present].map((key) => archive.has([key]));
    expect(await Promise.all(found)).toEqual([true, false, true]);
  });
});
