import { describe, expect, it } from "vitest";
import { decodeHeader, HEADER_SIZE } from "../src/format/header.js";
import {
  type EncodeOptions,
  Ext,
  encodeArchive,
  float64,
  NdArray,
  openArchive,
  Simple,
  Tagged,
  Timestamp,
} from "../src/index.js";

type Protocol = "msgpack" | "cbor";
const CODECS: readonly Protocol[] = ["msgpack", "cbor"];

/** The encoded value alone, in hexadecimal digits. */
function item(value: unknown, options: EncodeOptions = {}): string {
  const archive = encodeArchive(value, options);
  const { tocStart } = decodeHeader(archive);
  return Buffer.from(archive.subarray(HEADER_SIZE, HEADER_SIZE + tocStart)).toString("hex");
}

const back = async (value: unknown, options: EncodeOptions = {}, maps: "object" | "map" = "object") =>
  (await openArchive(encodeArchive(value, options), { maps })).read();

describe("numbers", () => {
  it.each<[unknown, string, string]>([
    [0, "00", "00"],
    [-0, "cb8000000000000000", "fb8000000000000000"],
    [float64(0), "cb0000000000000000", "fb0000000000000000"],
    [float64(-0), "cb8000000000000000", "fb8000000000000000"],
    [1, "01", "01"],
    [float64(1), "cb3ff0000000000000", "fb3ff0000000000000"],
    [1.5, "cb3ff8000000000000", "fb3ff8000000000000"],
    [-32, "e0", "381f"],
    [-33, "d0df", "3820"],
    [2 ** 53 - 1, "cf001fffffffffffff", "1b001fffffffffffff"],
    [-(2 ** 53 - 1), "d3ffe0000000000001", "3b001ffffffffffffe"],
    // A double may have rounded what lies beyond: it is a float.
    [2 ** 53, "cb4340000000000000", "fb4340000000000000"],
    [2n ** 53n, "cf0020000000000000", "1b0020000000000000"],
    [2n ** 64n - 1n, "cfffffffffffffffff", "1bffffffffffffffff"],
    [-(2n ** 63n), "d38000000000000000", "3b7fffffffffffffff"],
    [5n, "05", "05"],
    [-5n, "fb", "24"],
    [0n, "00", "00"],
    [Number.POSITIVE_INFINITY, "cb7ff0000000000000", "f97c00"],
    [Number.NEGATIVE_INFINITY, "cbfff0000000000000", "f9fc00"],
    [Number.MIN_VALUE, "cb0000000000000001", "fb0000000000000001"],
  ])("%s has one form in each codec, and comes back", async (value, msgpack, cbor) => {
    expect(item(value)).toBe(msgpack);
    expect(item(value, { codec: "cbor" })).toBe(cbor);
    const plain = typeof value === "object" ? Number(value) : value;
    const expected = typeof plain === "bigint" && Number.isSafeInteger(Number(plain)) ? Number(plain) : plain;
    for (const codec of CODECS) expect(Object.is(await back(value, { codec }), expected)).toBe(true);
  });

  it("NaN comes back as NaN, with its sign in MessagePack where the engine keeps it", async () => {
    expect(item(Number.NaN)).toMatch(/^cb[7f]ff8000000000000$/);
    expect(item(Number.NaN, { codec: "cbor" })).toBe("f97e00");
    for (const codec of CODECS) expect(await back([Number.NaN], { codec })).toEqual([Number.NaN]);
  });

  it("every number is a float where that is asked for, and bigints stay integers", () => {
    expect(item([1, -0, 2n], { floats: "all" })).toBe("93cb3ff0000000000000cb800000000000000002");
  });

  it("refuses integers that a codec does not have", async () => {
    const refused = { code: "unsupported-value" };
    for (const value of [2n ** 64n, -(2n ** 63n) - 1n, 2n ** 200n]) {
      expect(() => encodeArchive({ a: [value] })).toThrow(
        expect.objectContaining({ ...refused, path: ["a", 0] }),
      );
      expect(() => encodeArchive([value], { codec: "cbor", profile: "rust" })).toThrow(
        expect.objectContaining({ ...refused, path: [0] }),
      );
      expect(await back(value, { codec: "cbor" })).toBe(value);
    }
    expect(item(-(2n ** 64n), { codec: "cbor" })).toBe("3bffffffffffffffff");
    expect(item(2n ** 64n, { codec: "cbor" })).toBe("c249010000000000000000");
    expect(item(-(2n ** 64n) - 1n, { codec: "cbor" })).toBe("c349010000000000000000");
  });
});

describe.each(CODECS)("bytes, lists and arrays in %s", (codec) => {
  it("byte strings are Uint8Arrays and ArrayBuffers, and come back as copies", async () => {
    const bytes = Uint8Array.of(0, 255, 7);
    const archive = encodeArchive([bytes, bytes.buffer, Buffer.from("hi")], { codec });
    const read = (await (await openArchive(archive)).read()) as Uint8Array[];
    expect(read).toEqual([bytes, bytes, Uint8Array.of(104, 105)]);
    const before = archive.slice();
    for (const given of read) {
      expect(given.constructor).toBe(Uint8Array);
      given.fill(1);
    }
    expect(archive).toEqual(before);
  });

  it.each([
    [Int8Array.of(-128, 127), [-128, 127]],
    [Uint8ClampedArray.of(0, 255), [0, 255]],
    [Int16Array.of(-32768, 32767), [-32768, 32767]],
    [Uint16Array.of(0, 65535), [0, 65535]],
    [Int32Array.of(-(2 ** 31), 2 ** 31 - 1), [-(2 ** 31), 2 ** 31 - 1]],
    [Uint32Array.of(0, 2 ** 32 - 1), [0, 2 ** 32 - 1]],
    [BigInt64Array.of(-(2n ** 63n), 1n), [-(2n ** 63n), 1]],
    [BigUint64Array.of(2n ** 64n - 1n, 1n), [2n ** 64n - 1n, 1]],
    [Float32Array.of(0.5, 1, -0), [0.5, 1, -0]],
    [Float64Array.of(0.1, 1, Number.NaN), [0.1, 1, Number.NaN]],
  ])("%o is written as a list of numbers", async (array, list) => {
    expect(await back({ array }, { codec })).toEqual({ array: list });
    const floats = array instanceof Float32Array || array instanceof Float64Array;
    const plain = floats ? Array.from(array, (n) => float64(n)) : Array.from(array as Iterable<unknown>);
    expect(item(array, { codec })).toBe(item(plain, { codec }));
  });

  it("an NdArray is written as nested lists, or as a pickle", async () => {
    const array = new NdArray(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    expect(await back(array, { codec })).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(await back({ a: [array] }, { codec, numpy: "pickle" })).toEqual({ a: [array] });
  });
});

describe.each(CODECS)("maps in %s", (codec) => {
  it("write repeated keys of every length to the same bytes as a Map does", () => {
    // Keys of records are copied as words while their encoding is short. Keys of Maps are always written anew.
    for (const text of ["k", "é"]) {
      const entries = Array.from({ length: 40 }, (_, length) => [text.repeat(length), length] as const);
      const record = Object.fromEntries(entries);
      const map = new Map(entries);
      expect(encodeArchive([record, record, record], { codec })).toEqual(
        encodeArchive([map, map, map], { codec }),
      );
    }
  });

  it("keep keys that JavaScript treats apart, both ways", async () => {
    const entries: [string, number][] = [
      ["b", 1],
      ["10", 2],
      ["9", 3],
      ["__proto__", 4],
      ["constructor", 5],
      ["", 6],
      ["a/b", 7],
      ["toString", 8],
      ["-1", 9],
      ["4294967295", 10],
    ];
    // Small, so that it is one leaf; and large, so that it has a table.
    for (const smallObjectThreshold of [8192, 1]) {
      const options = { codec, smallObjectThreshold };
      const archive = await openArchive(encodeArchive(new Map(entries), options));
      const read = (await archive.read()) as Record<string, number>;
      expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
      for (const [key, value] of entries) {
        expect(Object.hasOwn(read, key)).toBe(true);
        expect(Object.getOwnPropertyDescriptor(read, key)?.value).toBe(value);
        expect(await archive.read([key])).toBe(value);
        expect(await archive.has([key])).toBe(true);
      }
      expect(Object.keys(read)).toHaveLength(entries.length);
      expect(await archive.has(["hasOwnProperty"])).toBe(false);
      expect(await archive.has(["length"])).toBe(false);
      const ordered = await openArchive(encodeArchive(new Map(entries), options), { maps: "map" });
      expect([...((await ordered.read()) as Map<string, number>)]).toEqual(entries);
      // Written again from what was read, keys are all there.
      expect(await back(read, options)).toEqual(read);
    }
  });

  it("keep keys that are no text, also in a list of blocks", async () => {
    const map = new Map<unknown, unknown>([
      [1, "int"],
      [-5, "negative"],
      [1.5, "float"],
      [true, "true"],
      [false, "false"],
      [null, "null"],
      [Uint8Array.of(1, 2), "bytes"],
      ["1", "text"],
      [2n ** 60n, "big"],
    ]);
    for (const smallObjectThreshold of [8192, 1]) {
      const archive = await openArchive(encodeArchive(map, { codec, smallObjectThreshold }));
      expect(await archive.read()).toEqual(map);
      expect(await archive.keys().toArray()).toEqual([...map.keys()]);
      for (const [key, value] of map) expect(await archive.read([key as never])).toBe(value);
      expect(await archive.read([1n])).toBe("int");
      expect(await archive.read("1")).toBe("text");
      for (const key of [2, "true", "null", Uint8Array.of(1), 2n ** 61n]) {
        expect(await archive.has([key as never])).toBe(false);
      }
    }
    const items = Array.from({ length: 9000 }, () => new Map([[1, 2]]));
    const blocked = await openArchive(encodeArchive(items, { codec }));
    expect(blocked.info.kind).toBe("blocked");
    expect(await blocked.read([8999, 1])).toBe(2);
  });

  it("may have containers as keys", async () => {
    const map = new Map<unknown, unknown>([
      [[1, "a"], 1],
      [new Map([["k", 1]]), 2],
    ]);
    for (const smallObjectThreshold of [8192, 1]) {
      const read = await back(map, { codec, smallObjectThreshold }, "map");
      expect([...(read as Map<unknown, unknown>)]).toEqual([...map]);
    }
  });

  it("are plain objects, objects without a prototype and Maps alike", () => {
    const bare = Object.assign(Object.create(null), { a: 1, b: [2] });
    expect(item(bare, { codec })).toBe(item({ a: 1, b: [2] }, { codec }));
    expect(item(new Map(Object.entries(bare)), { codec })).toBe(item({ a: 1, b: [2] }, { codec }));
    // What is inherited or not enumerable is no entry.
    const odd = Object.defineProperty({ a: 1 }, "hidden", { value: 1, enumerable: false });
    expect(item(odd, { codec })).toBe(item({ a: 1 }, { codec }));
  });
});

describe.each(CODECS)("sets in %s", (codec) => {
  it.each<[string, unknown[], unknown[]]>([
    ["numbers by value", [10, 9, -1, 1.5, 2n], [-1, 1.5, 2, 9, 10]],
    [
      "text by code point",
      ["\uffff", "\u{10000}", "b", "a", "ab", ""],
      ["", "a", "ab", "b", "\uffff", "\u{10000}"],
    ],
    ["booleans as 0 and 1", [2, true, -1], [-1, true, 2]],
    ["bytes by byte", [Uint8Array.of(2), Uint8Array.of(1, 9)], [Uint8Array.of(1, 9), Uint8Array.of(2)]],
    ["lists item by item", [[1, 2], [1], [0, 9]], [[0, 9], [1], [1, 2]]],
  ])("are written sorted: %s", async (_, members, sorted) => {
    expect(await back(new Set(members), { codec })).toEqual(sorted);
    const kept = members.map((member) => (member === 2n ? 2 : member));
    expect(await back(new Set(members), { codec, sets: "insertion" })).toEqual(kept);
  });

  it("have an order, or keep the one they have", async () => {
    expect(() => encodeArchive({ a: new Set(["a", 1]) }, { codec })).toThrow(
      expect.objectContaining({ code: "unsupported-value", path: ["a"] }),
    );
    expect(await back(new Set(["a", 1]), { codec, sets: "insertion" })).toEqual(["a", 1]);
  });
});

describe("instants and what JavaScript has no value for", () => {
  it.each([
    [0, "d6ff00000000", "c074313937302d30312d30315430303a30303a30305a"],
    [1500, "d7ff7735940000000001", undefined],
    [-1, undefined, undefined],
    [2 ** 35 * 1000, undefined, undefined],
  ])("a Date of %s ms comes back", async (ms, msgpack, cbor) => {
    if (msgpack !== undefined) expect(item(new Date(ms))).toBe(msgpack);
    if (cbor !== undefined) expect(item(new Date(ms), { codec: "cbor" })).toBe(cbor);
    for (const codec of CODECS) expect(await back([new Date(ms)], { codec })).toEqual([new Date(ms)]);
  });

  it("a Timestamp keeps its nanoseconds, and is a Date where milliseconds hold it", async () => {
    for (const codec of CODECS) {
      const fine = new Timestamp(1_700_000_000, 123_456_789);
      expect(await back(fine, { codec })).toEqual(fine);
      expect(await back(new Timestamp(-1, 1), { codec })).toEqual(new Timestamp(-1, 1));
      expect(await back(new Timestamp(5, 6_000_000), { codec })).toEqual(new Date(5006));
    }
    const far = new Timestamp(2n ** 62n, 1);
    expect(await back(far)).toEqual(far);
    expect(() => encodeArchive([far], { codec: "cbor" })).toThrow(
      expect.objectContaining({ code: "unsupported-value", path: [0] }),
    );
    expect(() => encodeArchive(new Timestamp(2n ** 70n))).toThrow(
      expect.objectContaining({ code: "unsupported-value" }),
    );
  });

  it("extensions, tags, simple values and undefined belong to one codec each", async () => {
    const ext = new Ext(5, Uint8Array.of(1, 2, 3));
    expect(await back([ext])).toEqual([ext]);
    for (const length of [0, 1, 2, 4, 8, 16, 17, 255, 256, 65536]) {
      const long = new Ext(-100, new Uint8Array(length).fill(7));
      expect(await back(long)).toEqual(long);
    }
    const cbor = [
      new Tagged(1000, { a: [1] } as never),
      new Simple(42),
      new Simple(3),
      undefined,
      new Tagged(2n ** 60n, 1),
    ];
    expect(await back(cbor, { codec: "cbor" })).toEqual(cbor);
    for (const value of cbor) {
      expect(() => encodeArchive({ a: value })).toThrow(
        expect.objectContaining({ code: "unsupported-value", path: ["a"] }),
      );
    }
    expect(() => encodeArchive({ a: ext }, { codec: "cbor" })).toThrow(
      expect.objectContaining({ code: "unsupported-value", path: ["a"] }),
    );
  });

  it("constructors check what they are given", () => {
    expect(() => new Ext(128, new Uint8Array())).toThrow(RangeError);
    expect(() => new Ext(1.5, new Uint8Array())).toThrow(RangeError);
    expect(() => new Tagged(-1, null)).toThrow(RangeError);
    expect(() => new Tagged(2n ** 64n, null)).toThrow(RangeError);
    expect(() => new Simple(20)).toThrow(RangeError);
    expect(() => new Timestamp(0.5)).toThrow(RangeError);
    expect(() => new Timestamp(0, 1e9)).toThrow(RangeError);
    expect(() => float64("1" as never)).toThrow(TypeError);
  });
});

describe.each(CODECS)("text in %s", (codec) => {
  it.each(["", "a", "é", "\u{1f600}", "\ufeffbom", "\0", "x".repeat(31), "x".repeat(32), "ä".repeat(40_000)])(
    "comes back (%#)",
    async (text) => {
      expect(await back({ [text]: [text] }, { codec })).toEqual({ [text]: [text] });
    },
  );

  it("cannot hold a lone surrogate, as a value or as a key", () => {
    for (const text of ["\ud800", "a\udc00", "\udc00\ud800", `${"x".repeat(100)}\ud800`]) {
      for (const value of [{ a: [text] }, new Map([["a", new Map([[text, 1]])]])]) {
        expect(() => encodeArchive(value, { codec })).toThrow(
          expect.objectContaining({ code: "unsupported-value" }),
        );
      }
    }
  });
});
