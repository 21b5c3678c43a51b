import { describe, expect, it } from "vitest";
import { numberHash } from "../src/codec/key-collisions.js";
import { encodeHeader } from "../src/format/header.js";
import {
  type Archive,
  combineArchives,
  encodeArchive,
  type LazyList,
  memorySink,
  openArchive,
} from "../src/index.js";
import { verifyArchive } from "../src/verify/index.js";
import { observedSource } from "./observed-source.js";
import { failure } from "./outcome.js";

/** A table of contents in MessagePack. */
type Node =
  | number
  | {
      readonly p?: readonly [number, number];
      readonly t?: readonly Node[] | { readonly [key: string]: Node };
    };

const bytes = (...parts: (number | Uint8Array)[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map((part) => (typeof part === "number" ? Uint8Array.of(part) : part))));

function uint(value: number): Uint8Array {
  const encoded = Buffer.alloc(5);
  encoded[0] = 0xce;
  encoded.writeUInt32BE(value, 1);
  return encoded;
}

function head(type: number, count: number): Uint8Array {
  const encoded = uint(count);
  encoded[0] = type;
  return encoded;
}

const text = (value: string): Uint8Array => bytes(0xa0 | value.length, Buffer.from(value));

function encodeNode(node: Node): Uint8Array {
  if (typeof node === "number") return uint(node);
  return bytes(
    head(0xdf, Object.keys(node).length),
    ...Object.entries(node).map(([name, value]) => {
      if (name === "p") return bytes(text(name), 0x92, ...(value as number[]).map(uint));
      const children = Object.entries(value as { [key: string]: Node });
      return Array.isArray(value)
        ? bytes(text(name), head(0xdd, value.length), ...value.map(encodeNode))
        : bytes(
            text(name),
            head(0xdf, children.length),
            ...children.map(([key, child]) => bytes(text(key), encodeNode(child))),
          );
    }),
  );
}

/** An archive of given data and table. */
function assembled(data: Uint8Array, table: Uint8Array): Uint8Array {
  return bytes(
    encodeHeader({ protocol: "msgpack", tocStart: data.length, tocSize: table.length }),
    data,
    table,
  );
}

const repeated = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

describe("3,000 values on one span of a megabyte", () => {
  const value = bytes(head(0xdb, 2 ** 20), Buffer.alloc(2 ** 20, "x"));
  const span = { p: [0, value.length] } as const;
  const list = assembled(value, encodeNode({ t: repeated(3000, span), p: [0, value.length] }));
  const map = assembled(
    value,
    encodeNode({
      t: Object.fromEntries(repeated(3000, span).map((node, i) => [`key ${i}`, node])),
      p: [0, value.length],
    }),
  );

  it("are read one by one", async () => {
    const archive = await openArchive(list);
    expect(await archive.read("2999")).toHaveLength(2 ** 20);
    expect(await (await openArchive(map)).read("key 2999")).toHaveLength(2 ** 20);
  });

  it.each<[string, (archive: Archive) => Promise<unknown>]>([
    ["values()", async (archive) => ((await archive.get()) as LazyList).values().toArray()],
    ["entries()", (archive) => archive.entries().toArray()],
    ["select", (archive) => archive.select("*").toArray()],
    ["verify", (archive) => verifyArchive(archive)],
  ])("are `corrupt` for %s", async (_, walk) => {
    for (const archive of [list, map])
      expect(await failure(walk(await openArchive(archive)))).toBe("corrupt");
  });

  it.each<[string, (archive: Archive) => Promise<unknown>]>([
    ["slice()", async (archive) => ((await archive.get()) as LazyList).slice(0, 3000)],
    ["read of a slice", (archive) => archive.read("0:3000")],
    ["get of a slice", (archive) => archive.get("0:3000")],
  ])("are `corrupt` for %s", async (_, walk) => {
    expect(await failure(walk(await openArchive(list)))).toBe("corrupt");
  });

  it("may be read several times by one call", async () => {
    const archive = await openArchive(list);
    const values = await archive.readMany(["0", "0", "1"]);
    expect(values.map((found) => (found as string).length)).toEqual(repeated(3, 2 ** 20));
  });
});

describe("four levels of 1,000 references to one child", () => {
  let nested = encodeArchive(1);
  for (let level = 0; level < 4; level++) nested = assembled(nested, encodeNode({ t: repeated(1000, 0) }));

  it("lead to the value", async () => {
    expect(await (await openArchive(nested)).read("999/0/500/3")).toBe(1);
  });

  it.each<[string, (archive: Archive) => Promise<unknown>]>([
    ["read", (archive) => archive.read()],
    ["select", (archive) => archive.select("*/*/*/*").toArray()],
    ["verify", (archive) => verifyArchive(archive)],
    ["entries()", (archive) => archive.entries().toArray()],
  ])("are `corrupt` for %s", async (_, walk) => {
    expect(await failure(walk(await openArchive(nested)))).toBe("corrupt");
  });
});

it("children of one byte each are `corrupt` before much is read", async () => {
  const children = Array.from({ length: 20_000 }, (_, i) => i);
  const archive = assembled(encodeArchive("x".repeat(30_000)), encodeNode({ t: children }));
  for (const walk of [
    async (opened: Archive) => opened.read(),
    async (opened: Archive) => opened.entries().toArray(),
    async (opened: Archive) => opened.select("*").toArray(),
  ]) {
    const source = observedSource(archive);
    expect(await failure(walk(await openArchive(source)))).toBe("corrupt");
    const read = source.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    expect(read).toBeLessThan(2 * archive.length);
  }
});

describe("maxHeapBytes", () => {
  const limits = { maxHeapBytes: 2 ** 20 };
  it.each<[string, unknown]>([
    ["empty maps", repeated(20_000, {})],
    ["empty lists", repeated(20_000, [])],
    ["byte strings", repeated(5000, new Uint8Array(0))],
    ["maps of distinct keys", Array.from({ length: 8000 }, (_, i) => ({ [`key ${i}`]: 0 }))],
  ])("bounds %s that take far less in the archive", async (_, value) => {
    for (const codec of ["msgpack", "cbor"] as const) {
      const archive = await openArchive(encodeArchive({ value }, { codec, smallObjectThreshold: 2 ** 30 }), {
        limits,
      });
      expect(await failure(archive.read("value"))).toBe("limit");
    }
  });

  it("bounds all values of one call together", async () => {
    const value = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}`, repeated(400, {})]));
    const archive = await openArchive(encodeArchive(value, { smallObjectThreshold: 100 }), { limits });
    const paths = Object.keys(value);
    expect(await archive.read("0")).toEqual(repeated(400, {}));
    expect(await failure(archive.readMany(paths))).toBe("limit");
    expect(await failure(archive.select("*").toArray())).toBe("limit");
  });

  it("leaves numbers as many as they are", async () => {
    const floats = Array.from({ length: 100_000 }, (_, i) => i + 0.5);
    expect(await (await openArchive(encodeArchive(floats), { limits })).read()).toEqual(floats);
  });
});

it("a deep table whose nodes have their children first is searched in one pass", async () => {
  const depth = 900;
  const size = 4_000_000;
  const nodes = repeated(depth, bytes(0x82, text("t"), 0x81, text("a")));
  const leaf = bytes(0x82, text("x"), head(0xdd, size), Buffer.alloc(size, 1), text("p"), 0x92, 0, 1);
  const spans = repeated(depth, bytes(text("p"), 0x92, 0, 1));
  const archive = await openArchive(assembled(Uint8Array.of(1), bytes(...nodes, leaf, ...spans)));
  // Skipped at every level, it would take minutes.
  expect(await archive.read(repeated(depth, "a"))).toBe(1);
}, 20_000);

describe("maps whose keys were chosen to collide in V8's hash are `limit`", () => {
  const cut = (value: bigint): bigint => BigInt.asUintN(64, value);
  /** The factor that undoes a multiplication by an odd number modulo 2^64. */
  function inverse(factor: bigint): bigint {
    let found = factor;
    for (let i = 0; i < 6; i++) found = cut(found * (2n - factor * found));
    return found;
  }
  function withoutShift(value: bigint, shift: bigint): bigint {
    let found = value;
    for (let done = shift; done < 64n; done += shift) found = value ^ (found >> shift);
    return found;
  }
  /** The 64 bits that have a hash. Each step of the hash is undone. */
  function bitsOfHash(hash: bigint): bigint {
    let bits = cut(withoutShift(hash, 22n) * inverse(65n));
    bits = cut(withoutShift(bits, 11n) * inverse(21n));
    return cut((withoutShift(bits, 31n) + 1n) * inverse(2n ** 18n - 1n));
  }
  /** Bits whose hashes have the same low 20 bits. */
  const chosen = Array.from({ length: 12_000 }, (_, i) => bitsOfHash((BigInt(i) << 20n) + 5n));
  const floats = [...new Float64Array(BigUint64Array.from(chosen).buffer)].filter(Number.isFinite);
  function integers(): number[] {
    const found: number[] = [];
    for (let i = 0; found.length < 12_000; i++) if (numberHash(i) % 1024 === 5) found.push(i);
    return found;
  }

  it.each<[string, readonly (number | bigint)[]]>([
    ["integers", integers()],
    ["floats", floats],
    ["bigints", chosen],
  ])("%s", async (_, keys) => {
    const map = new Map(keys.map((key) => [key, 0]));
    for (const codec of ["msgpack", "cbor"] as const) {
      const bytes = encodeArchive({ map }, { codec, smallObjectThreshold: 2 ** 30 });
      expect(await failure((await openArchive(bytes)).read("map"))).toBe("limit");
    }
  });

  it.each<[string, (i: number) => number | bigint]>([
    ["consecutive integers", (i) => i],
    ["multiples of 4096", (i) => i * 4096],
    ["times in milliseconds", (i) => 1_700_000_000_000 + i * 1000],
    ["bigints", (i) => 2n ** 60n + BigInt(i) * 1024n],
  ])("but not maps of %s", async (_, key) => {
    const map = new Map(Array.from({ length: 60_000 }, (_, i) => [key(i), i]));
    const bytes = encodeArchive({ map }, { smallObjectThreshold: 2 ** 30 });
    expect(await (await openArchive(bytes)).read("map")).toEqual(map);
  });
});

it("a combined archive is read whole through all its levels", async () => {
  let nested = encodeArchive([1, 2]);
  for (let level = 0; level < 3; level++) {
    const sink = memorySink();
    await combineArchives(sink, [{ source: nested }, { source: encodeArchive(level) }]);
    nested = sink.bytes();
  }
  const archive = await openArchive(nested);
  expect(await archive.read()).toEqual([[[[1, 2], 0], 1], 2]);
  expect((await archive.select("*/*").toArray()).map(({ value }) => value)).toEqual([[[1, 2], 0], 1]);
  expect(await failure(verifyArchive(archive))).toBe("no error");
});

describe("work in memory, which never waits for bytes, hears an abort in", () => {
  const numbers = encodeArchive(Array.from({ length: 1_000_000 }, (_, i) => i));
  const records = encodeArchive(
    Array.from({ length: 60_000 }, (_, i) => ({ a: i, b: "text" })),
    { smallObjectThreshold: 1 },
  );
  const all = async (items: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of items);
  };

  it.each<[string, Uint8Array, (archive: Archive, signal: AbortSignal) => Promise<unknown>]>([
    ["keys of numbers", numbers, (archive, signal) => all(archive.keys([], { signal }))],
    ["entries of numbers", numbers, (archive, signal) => all(archive.entries([], { signal }))],
    ["select of numbers", numbers, (archive, signal) => all(archive.select("*", { signal }))],
    ["verify of numbers", numbers, (archive, signal) => verifyArchive(archive, [], signal)],
    ["entries of records", records, (archive, signal) => all(archive.entries([], { signal }))],
    ["select of records", records, (archive, signal) => all(archive.select("*/a", { signal }))],
    ["read of a slice of records", records, (archive, signal) => archive.read("0:60000", { signal })],
    ["verify of records", records, (archive, signal) => verifyArchive(archive, [], signal)],
  ])("%s", async (_, bytes, work) => {
    const archive = await openArchive(bytes);
    const reason = new Error("enough");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 1);
    await expect(work(archive, controller.signal)).rejects.toBe(reason);
  });
});
