import { describe, expect, it } from "vitest";
import { concat } from "../src/bytes.js";
import { CborCursor } from "../src/codec/cbor-cursor.js";
import { CborWalker } from "../src/codec/cbor-walker.js";
import { MsgpackCursor } from "../src/codec/msgpack-cursor.js";
import { MsgpackWalker } from "../src/codec/msgpack-walker.js";
import { crc32 } from "../src/crc32.js";
import { decodeHeader, encodeHeader, type Protocol } from "../src/format/header.js";
import { encodedKeyHash, pathKeyHash } from "../src/format/page-index.js";
import { PageIndexBuilder } from "../src/format/page-index-builder.js";
import { KeyReader } from "../src/format/page-index-key.js";
import { buildPageIndex, encodeArchive, isPeekpackError, openArchive, type Value } from "../src/index.js";
import { IndexLookup, type Step, slowCrc, slowHash } from "./index-lookup.js";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const DATA = 1_000_000;

/** Encodes parts of a table by hand: what no writer of today makes. */
class Table {
  readonly codec: Protocol;
  readonly bytes: number[] = [];

  constructor(codec: Protocol) {
    this.codec = codec;
  }

  #head(major: number, count: number): this {
    if (this.codec === "cbor") this.bytes.push((major << 5) | 25, count >> 8, count & 255);
    else this.bytes.push(major === 5 ? 0xde : 0xdc, count >> 8, count & 255);
    return this;
  }
  map(count: number): this {
    return this.#head(5, count);
  }
  array(count: number): this {
    return this.#head(4, count);
  }
  text(value: string): this {
    this.bytes.push((this.codec === "cbor" ? 0x60 : 0xa0) + value.length, ...Buffer.from(value));
    return this;
  }
  uint(value: number): this {
    this.bytes.push(this.codec === "cbor" ? 0x1a : 0xce, 0, value >> 16, (value >> 8) & 255, value & 255);
    return this;
  }
  span(start: number, end: number): this {
    return this.array(2).uint(start).uint(end);
  }
  leaf(start: number): this {
    return this.map(1)
      .text("p")
      .span(start, start + 1);
  }
  raw(hex: string): this {
    this.bytes.push(...Buffer.from(hex, "hex"));
    return this;
  }
  /** A value that no reader knows, of many bytes. */
  extra(size: number): this {
    this.bytes.push(...(this.codec === "cbor" ? [0x5a] : [0xc6]), 0, 0, size >> 8, size & 255);
    for (let i = 0; i < size; i++) this.bytes.push(0);
    return this;
  }
}

interface Built {
  readonly index: Uint8Array | undefined;
  readonly reason: string | undefined;
  find(path: readonly Step[]): ReturnType<IndexLookup["find"]>;
  readonly lookup: IndexLookup;
}

function build(codec: Protocol, table: Uint8Array, chunkSize = table.length, tocStart = DATA): Built {
  const builder = new PageIndexBuilder({ protocol: codec, tocStart, maxDepth: 100 });
  for (let at = 0; at < table.length; at += chunkSize) builder.write(table.subarray(at, at + chunkSize));
  const index = builder.finish();
  const bytes = index && concat([...index.chunks()]);
  if (bytes !== undefined) expect(bytes.length).toBe(index?.info.indexBytes);
  return {
    index: bytes,
    reason: builder.reason,
    get lookup() {
      return new IndexLookup(bytes!, table, codec, tocStart);
    },
    find(path) {
      return this.lookup.find(path);
    },
  };
}

const spanOf = (found: ReturnType<IndexLookup["find"]>): unknown =>
  (found as { node: Map<string, unknown> }).node.get("p");

describe.each(["msgpack", "cbor"] as const)("%s", (codec) => {
  const table = (fill: (table: Table) => void): Uint8Array => {
    const made = new Table(codec);
    fill(made);
    return Uint8Array.from(made.bytes);
  };
  const archive = encodeArchive(
    new Map<unknown, unknown>([
      ["texts", new Map(numbers(3_000).map((i) => [`text ${i}`, "x".repeat(30)]))],
      ["lists", numbers(3).map((row) => numbers(900).map((i) => `${row} ${i}`.padEnd(30)))],
      ["numbers", numbers(40_000)],
      [
        "long",
        new Map<string, unknown>([
          ["k".repeat(300_000), 1],
          ["b", numbers(700).map((i) => `b ${i}`.padEnd(30))],
        ]),
      ],
    ]),
    { codec, smallObjectThreshold: 30, trivialSize: 20, pageIndex: false },
  );
  const { tocStart } = decodeHeader(archive);
  const toc = archive.subarray(50 + tocStart);

  it("makes the same index of chunks of any size", () => {
    const { index } = build(codec, toc, toc.length, tocStart);
    for (const size of [1, 7, 100, 8191, 65_536, 262_144, 300_000]) {
      expect(Buffer.compare(build(codec, toc, size, tocStart).index!, index!), `${size}`).toBe(0);
    }
  });

  it("reads nodes whose children come before their span, as archives of before 2026-04-12 have them", () => {
    const old = table((made) => {
      made.map(2).text("t").map(1000);
      for (const i of numbers(1000)) made.text(`k${i}`).leaf(10 + i);
      made.text("p").span(5, 2000);
    });
    const { lookup, find } = build(codec, old);
    const [root] = lookup.records;
    expect(root).toMatchObject({ count: 1000, kind: 0, node: 0, end: old.length });
    // A map's head of 1000 entries has three bytes.
    expect(root!.pages[0]!.start).toBe(5 + 3);
    for (const i of numbers(1000)) expect(spanOf(lookup.find([`k${i}`]))).toEqual([10 + i, 11 + i]);
    expect(find.call({ lookup }, ["k1000"])).toBeUndefined();
  });

  it("passes over fields that it does not know, of any length and nesting", () => {
    const unknown = table((made) => {
      made.map(5).text("q").extra(30_000).text("p").span(0, 5000);
      if (codec === "cbor") made.raw("9f9fff5f4101ff01ffbf61619f01ffff");
      else made.raw("92c0d90161").raw("c701ff00");
      made.text("t").array(2000);
      for (const i of numbers(2000)) {
        if (i % 500 !== 3) made.leaf(10 + i);
        else
          made
            .map(3)
            .text("q")
            .extra(3)
            .text("p")
            .span(10 + i, 11 + i)
            .text("t")
            .raw(codec === "cbor" ? "f6" : "c0");
      }
      made.text("z").map(1).text("p").extra(9_000);
    });
    for (const size of [unknown.length, 13, 5000]) {
      const { lookup } = build(codec, unknown, size);
      expect(lookup.records).toHaveLength(1);
      for (const i of numbers(2000)) expect(spanOf(lookup.find([i]))).toEqual([10 + i, 11 + i]);
    }
  });

  it("reads child archives among nodes", () => {
    const mixed = table((made) => {
      made.map(1).text("t").array(3000);
      for (const i of numbers(3000)) {
        if (i % 3 === 0) made.leaf(i * 10);
        else made.uint(i * 10);
      }
    });
    const { lookup } = build(codec, mixed);
    expect(lookup.find([4])).toEqual({ node: 40 });
    for (const { first, start } of lookup.records[0]!.pages) {
      // Before an item that is no archive the end of an archive is not known, but that it begins.
      expect(start).toBeGreaterThanOrEqual(Math.max(0, (first - 1) * 10));
      expect(start).toBeLessThanOrEqual(first * 10);
    }
  });

  it("makes no index where two keys of a map are the same", () => {
    const keys = (last: string): Uint8Array =>
      table((made) => {
        made.map(2).text("p").span(0, 5000).text("t").map(1001);
        for (const i of numbers(1000)) made.text(`k${i}`).leaf(10 + i);
        made.text(last).leaf(3000);
      });
    expect(build(codec, keys("k1000")).index).toBeDefined();
    const twice = build(codec, keys("k77"));
    expect(twice.index).toBeUndefined();
    expect(twice.reason).toBe("a map holds the same key twice");
  });

  it("makes no index of a small root, of a field that a node has twice, and of nothing but unknown fields", () => {
    const reasons = [
      table((made) => made.leaf(1)),
      table((made) => {
        made.map(3).text("p").span(0, 10).text("p").span(0, 9).text("t").array(1000);
        for (const i of numbers(1000)) made.leaf(i);
      }),
      table((made) => made.map(2).text("p").span(0, 10).text("x").extra(9000)),
    ].map((bytes) => build(codec, bytes).reason);
    expect(reasons).toEqual([
      "the table has no more than 8192 bytes",
      "a node holds a field twice",
      "a node without entries is longer than a page",
    ]);
  });

  it("rejects a table that is cut off, that goes on, or that nests too deep", () => {
    for (const end of [0, 1, 5, 100, 8192, 9000, toc.length - 1]) {
      expect(() => build(codec, toc.subarray(0, end), 1000, tocStart), `${end}`).toThrow("table of contents");
    }
    const longer = new Uint8Array(toc.length + 1);
    longer.set(toc);
    expect(() => build(codec, longer, 1000, tocStart)).toThrow("follow");
    const deep = table((made) => {
      for (const _ of numbers(200)) made.map(2).text("p").span(0, 10).text("t").array(1);
      made.map(2).text("p").span(0, 10).text("t").array(1000);
      for (const i of numbers(1000)) made.leaf(i);
    });
    expect(() => build(codec, deep)).toThrow("nested too deep");
  });

  it("gives an index or a PeekpackError for any damage", () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const outcomes = { index: 0, none: 0, corrupt: 0, limit: 0 };
    for (let round = 0; round < 400; round++) {
      const damaged = toc.slice();
      for (let i = 0; i <= random(3); i++) damaged[random(round % 2 ? 300 : damaged.length)] = random(256);
      try {
        const { index } = build(codec, damaged, 50_000, tocStart);
        outcomes[index ? "index" : "none"]++;
      } catch (error) {
        if (!isPeekpackError(error)) throw error;
        outcomes[error.code as "corrupt" | "limit"]++;
      }
    }
    expect(outcomes.corrupt).toBeGreaterThan(100);
    expect(outcomes.index).toBeGreaterThan(50);
  }, 120_000);

  it("hashes a key alike, however it is encoded and wherever it comes from", async () => {
    const encodings: [Step | bigint, ...string[]][] =
      codec === "msgpack"
        ? [
            ["", "a0", "d900"],
            ["peek", "a47065656b", "d9047065656b", "da00047065656b", "db000000047065656b"],
            [new Uint8Array([1, 2]), "c4020102", "c500020102"],
            [0, "00", "cc00", "cb0000000000000000", "cb8000000000000000", `d3${"00".repeat(8)}`],
            [-1, "ff", "d0ff", "d3ffffffffffffffff", "cabf800000"],
            [1.5, "cb3ff8000000000000", "ca3fc00000"],
            [2n ** 64n - 1n, "cfffffffffffffffff"],
            [-(2n ** 63n), "d38000000000000000"],
            [Number.NaN, "cb7ff8000000000000", "cbfff8000000000001", "ca7fc00000"],
            [null, "c0"],
            [true, "c3"],
            [false, "c2"],
          ]
        : [
            ["", "60", "7fff", "7f60ff"],
            ["peek", "647065656b", "78047065656b", "7f62706562656bff"],
            [new Uint8Array([1, 2]), "420102", "5f41014102ff"],
            [0, "00", "1800", "fb0000000000000000", "f98000", "f90000"],
            [-1, "20", "3800", "f9bc00", "3b0000000000000000"],
            [1.5, "f93e00", "fa3fc00000", "fb3ff8000000000000"],
            [2n ** 64n - 1n, "1bffffffffffffffff", "c248ffffffffffffffff"],
            [-(2n ** 53n) - 2n, "3b0020000000000001"],
            [-(2n ** 70n) - 1n, "c349400000000000000000", "c35f4540000000004400000000ff"],
            [Number.NaN, "f97e00", "fbfff8000000000001"],
            [null, "f6"],
            [true, "f5"],
            [false, "f4"],
          ];
    const words = codec === "cbor" ? [0xf6, 0xf4, 0xf5] : [0xc0, 0xc2, 0xc3];
    const word = (key: boolean | null): number => words[key === null ? 0 : key ? 2 : 1]!;
    for (const [key, ...hexes] of encodings) {
      const plain = typeof key === "bigint" ? Number(key) : key;
      const hash = slowHash(Number.isNaN(plain) ? Number.NaN : plain, codec);
      expect(pathKeyHash(key, word), `${key}`).toBe(hash);
      for (const hex of hexes) {
        const bytes = new Uint8Array(Buffer.from(`${hex}${"00".repeat(64)}`, "hex"));
        const walker = codec === "cbor" ? new CborWalker() : new MsgpackWalker();
        walker.attach(bytes);
        const reader = new KeyReader(walker);
        expect(reader.read(0, bytes.length)).toBe(hex.length / 2);
        expect(reader.hash, hex).toBe(hash);
        const exact = new Uint8Array(Buffer.from(hex, "hex"));
        const cursor = codec === "cbor" ? new CborCursor(exact) : new MsgpackCursor(exact);
        expect(encodedKeyHash(cursor, 0, await decoded(codec, exact)), hex).toBe(hash);
      }
    }
  });
});

/** What the reader decodes of a single item. */
async function decoded(codec: Protocol, bytes: Uint8Array): Promise<() => Value> {
  const head = codec === "cbor" ? "a1617082" : "81a17092";
  const end = bytes.length < 24 ? bytes.length : 0;
  const toc = Buffer.from(`${head}00${end.toString(16).padStart(2, "0")}`, "hex");
  const header = encodeHeader({ protocol: codec, tocStart: bytes.length, tocSize: toc.length });
  const value = await (await openArchive(Buffer.concat([header, bytes, toc]))).read();
  return () => value;
}

it("what is too small to be indexed is refused with a reason", async () => {
  await expect(buildPageIndex(encodeArchive([1, 2]))).rejects.toMatchObject({
    code: "unsupported-value",
    message: expect.stringContaining("no more than 8192 bytes"),
  });
  await expect(buildPageIndex(new Uint8Array(60))).rejects.toMatchObject({ code: "not-an-archive" });
  await expect(buildPageIndex(encodeArchive([1]), { offset: -1 })).rejects.toThrow(RangeError);
});

it("CRC-32 is that of zlib, also over pieces", () => {
  const bytes = Uint8Array.from(numbers(1000), (i) => i * 7);
  for (const end of [0, 1, 7, 8, 9, 255, 1000]) {
    const part = bytes.subarray(0, end);
    expect(crc32(part)).toBe(slowCrc(part));
    expect(crc32(bytes.subarray(end), crc32(part))).toBe(slowCrc(bytes));
  }
  expect(crc32(Buffer.from("123456789"))).toBe(0xcbf43926);
});
