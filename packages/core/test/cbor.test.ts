import { loadArchives, loadCorrupt, type ReadCase, sameTagged } from "@peekpack/testing/fixtures";
import { Decoder as CborX } from "cbor-x/decode-no-eval";
import { describe, expect, it } from "vitest";
import { cborDecoder } from "../src/codec/cbor.js";
import type { MapStyle } from "../src/codec/codec.js";
import { isPeekpackError } from "../src/errors.js";
import { DEFAULT_LIMITS, type Limits } from "../src/limits.js";
import { Simple, Tagged, Timestamp, type Value } from "../src/values.js";

const decoder = cborDecoder();

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.replaceAll(" ", "").match(/../g) ?? [], (b) => Number.parseInt(b, 16));

function decode(bytes: Uint8Array | string, maps: MapStyle = "object", limits: Partial<Limits> = {}): Value {
  const source = typeof bytes === "string" ? hex(bytes) : bytes;
  return decoder.decode(source, 1, { maps, limits: { ...DEFAULT_LIMITS, ...limits } }).values[0];
}

function code(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return isPeekpackError(error) ? error.code : String(error);
  }
  return "no error";
}

/** A small seeded generator (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

describe("plain items", () => {
  it.each<[string, Value]>([
    ["00", 0],
    ["17", 23],
    ["1818", 24],
    ["1805", 5],
    ["190005", 5],
    ["1a00000005", 5],
    ["1b000000000000000c", 12],
    ["1b001ffffffffffffe", Number.MAX_SAFE_INTEGER - 1],
    ["1affffffff", 4294967295],
    ["20", -1],
    ["3903e7", -1000],
    ["3affffffff", -4294967296],
    ["3b000000000000000c", -13],
    ["3b001ffffffffffffd", -Number.MAX_SAFE_INTEGER + 1],
    ["3b001ffffffffffffe", -Number.MAX_SAFE_INTEGER],
    ["f4", false],
    ["f5", true],
    ["f6", null],
    ["f7", undefined],
    ["f93e00", 1.5],
    ["f98000", -0],
    ["f90001", 2 ** -24],
    ["f97bff", 65504],
    ["f97e00", Number.NaN],
    ["f97c00", Number.POSITIVE_INFINITY],
    ["f9fc00", Number.NEGATIVE_INFINITY],
    ["fa425a5000", 54.578125],
    ["fa7fc00000", Number.NaN],
    ["fb3fb999999999999a", 0.1],
    ["fb3ff0000000000000", 1],
    ["60", ""],
    ["6161", "a"],
    ["780161", "a"],
    ["7b000000000000000161", "a"],
    ["62c3a9", "é"],
    ["64f09f9880", "😀"],
    ["4100", Uint8Array.of(0)],
    ["5b00000000000000020102", Uint8Array.of(1, 2)],
    ["80", []],
    ["98010c", [12]],
    ["9a00000001f6", [null]],
    ["a0", {}],
    ["b90001616101", { a: 1 }],
    ["a2616101616102", { a: 2 }],
  ])("%s", (bytes, value) => {
    expect(decode(bytes)).toStrictEqual(value);
  });
});

describe("tags, odd keys, indefinite lengths and wide integers", () => {
  const long = "c3a9".repeat(40);
  it.each<[string, Value]>([
    ["1b001fffffffffffff", Number.MAX_SAFE_INTEGER],
    ["1b0020000000000000", 2n ** 53n],
    ["1bffffffffffffffff", 2n ** 64n - 1n],
    ["3b001fffffffffffff", -(2n ** 53n)],
    ["3bffffffffffffffff", -(2n ** 64n)],
    // A byte order mark is part of its text.
    ["64efbbbf78", "\ufeffx"],
    [`7853efbbbf${long}`, `\ufeff${"é".repeat(40)}`],
    ["9fff", []],
    ["9f010c03 80 ff", [1, 12, 3, []]],
    ["9f9f9f0cffff bfff ff", [[[12]], {}]],
    ["bf 6161 01 6162 bf 63696e6e f6 ff ff", { a: 1, b: { inn: null } }],
    ["5f 410c 40 420203 ff", Uint8Array.of(12, 2, 3)],
    ["5f ff", new Uint8Array(0)],
    ["7f 62c3a9 60 6161 ff", "éa"],
    ["7f ff", ""],
    ["7f 7801 61 7b0000000000000001 62 ff", "ab"],
    ["a1 7f 6161 6162 ff 01", { ab: 1 }],
    ["f0", new Simple(16)],
    ["e0", new Simple(0)],
    ["f820", new Simple(32)],
    ["f8ff", new Simple(255)],
    ["c249010000000000000000", 2n ** 64n],
    ["c349010000000000000000", -(2n ** 64n) - 1n],
    ["c24101", 1],
    ["c240", 0],
    ["c340", -1],
    ["c2 5f 4101 4100 ff", 256],
    ["c20f", new Tagged(2, 15)],
    ["c48221196ab3", new Tagged(4, [-2, 27315])],
    ["d825 41aa", new Tagged(37, Uint8Array.of(0xaa))],
    ["d9d9f7 820102", new Tagged(55799, [1, 2])],
    ["db0000000100000000 8101", new Tagged(4294967296, [1])],
    ["dbffffffffffffffff f6", new Tagged(2n ** 64n - 1n, null)],
    ["d9ea61 d9ea62 f6", new Tagged(60001, new Tagged(60002, null))],
    ["d90102 83010203", new Set([1, 2, 3])],
    ["d90102 80", new Set()],
    ["d90102 01", new Tagged(258, 1)],
    ["d81c 82 0f d81d00", new Tagged(28, [15, new Tagged(29, 0)])],
    ["a1 01 02", new Map([[1, 2]])],
    ["a1 f6 a1 f4 80", new Map([[null, new Map([[false, []]])]])],
    [
      "a2 6161 01 02 03",
      new Map<Value, Value>([
        ["a", 1],
        [2, 3],
      ]),
    ],
    ["a1 4100 01", new Map([[Uint8Array.of(0), 1]])],
    ["a1 820102 03", new Map([[[1, 2], 3]])],
    ["a1 a1 6161 01 02", new Map([[{ a: 1 }, 2]])],
    ["a2 01 02 01 03", new Map([[1, 3]])],
    ["a1 f7 f7", new Map([[undefined, undefined]])],
  ])("%s", (bytes, value) => {
    expect(code(() => decoder.check(hex(bytes), DEFAULT_LIMITS))).toBe("no error");
    expect(decode(bytes)).toStrictEqual(value);
  });

  it.each([
    [27, "83 66526567457870 6161 0f", ["RegExp", "a", 15]],
    [35, "6161", "a"],
    [40, "82 8101 8101", [[1], [1]]],
    [51, "82 01 820203", [1, [2, 3]]],
    [6, "01", 1],
    [64, "420f01", Uint8Array.of(15, 1)],
    [86, "480000000000000000", new Uint8Array(8)],
    [105, "84 0f 01 8161 61 05", [15, 1, ["a"], 5]],
    [225, "01", 1],
    [259, "a10102", new Map([[1, 2]])],
    [28, "8101", [1]],
    [29, "00", 0],
    [0xdff9, "8101", [1]],
    [0xdffe, "8101", [1]],
    [0xdfff, "83 01 8161 61 02", [1, ["a"], 2]],
    [0x53687264, "a0", {}],
  ])("reads tag %i, which libraries give a meaning of their own, as a Tagged", (tag, content, value) => {
    const number = tag.toString(16).padStart(8, "0");
    expect(decode(`da${number}${content}`)).toStrictEqual(new Tagged(tag, value));
  });

  it("keeps __proto__ and its like as own keys", () => {
    const value = decode("a2 69 5f5f70726f746f5f5f a1 6178 01 6b 636f6e7374727563746f72 02") as object;
    expect(Object.entries(value)).toEqual([
      ["__proto__", { x: 1 }],
      ["constructor", 2],
    ]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    // In a longer form, and in chunks.
    for (const key of ["7809 5f5f70726f746f5f5f", "7f 645f5f7072 656f746f5f5f ff"]) {
      expect(Object.keys(decode(`a1 ${key} 80`) as object)).toEqual(["__proto__"]);
    }
  });

  it("makes a Map of every map on request", () => {
    expect(decode("a1 6161 a1 6162 01", "map")).toStrictEqual(new Map([["a", new Map([["b", 1]])]]));
    expect(decode("a1 01 a1 c100 bf ff", "map")).toStrictEqual(
      new Map([[1, new Map([[new Date(0), new Map()]])]]),
    );
  });
});

describe("instants", () => {
  const text = (content: string): string => {
    const bytes = new TextEncoder().encode(content);
    return `c078${bytes.length.toString(16).padStart(2, "0")}${Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("")}`;
  };

  it.each<[string, Value]>([
    ["2013-03-21T20:04:00Z", new Date(1363896240000)],
    ["2013-03-21t20:04:00z", new Date(1363896240000)],
    ["2013-03-21T21:04:00.5+01:00", new Date(1363896240500)],
    ["2013-03-21T14:34:00.500000-05:30", new Date(1363896240500)],
    ["2013-03-21T20:04:00.123456789Z", new Timestamp(1363896240, 123456789)],
    ["2013-03-21T20:04:00.1234567890000Z", new Timestamp(1363896240, 123456789)],
    ["1969-12-31T23:59:59.999Z", new Date(-1)],
    ["0001-01-01T00:00:00Z", new Date("0001-01-01T00:00:00Z")],
    ["9999-12-31T23:59:59Z", new Date("9999-12-31T23:59:59Z")],
    ["2024-02-29T00:00:00Z", new Date("2024-02-29T00:00:00Z")],
  ])("%s", (content, value) => {
    expect(decode(text(content))).toStrictEqual(value);
  });

  it.each([
    "2013-02-30T00:00:00Z",
    "2013-02-29T00:00:00Z",
    "2013-13-01T00:00:00Z",
    "2013-03-21T24:00:00Z",
    "2013-03-21T20:60:00Z",
    "2013-03-21T23:59:60Z",
    "2013-03-21T20:04:00",
    "2013-03-21T20:04:00+24:00",
    "2013-03-21",
    "2013-03-21 20:04:00Z",
    "2013-03-21T20:04:00.Z",
    "2013-03-21T20:04:00.1234567891Z",
    "x2013-03-21T20:04:00Z",
    "",
  ])("%j is none and stays as it is", (content) => {
    expect(decode(text(content))).toStrictEqual(new Tagged(0, content));
  });

  it.each<[string, Value]>([
    ["c11a514b67b0", new Date(1363896240000)],
    ["c13a514b67af", new Date(-1363896240000)],
    ["c1fb41d452d9ec200000", new Date(1363896240500)],
    // 1363896240.1 to the microsecond.
    ["c1fb41d452d9ec066666", new Date(1363896240100)],
    ["c1fbbfe0000000000000", new Date(-500)],
    ["c1f93800", new Date(500)],
    ["c1fb3feffffffffffffe", new Date(1000)],
    ["c1fb3eb0c6f7a0b5ed8d", new Timestamp(0, 1000)],
    ["c11b0000ffffffffffff", new Timestamp(2 ** 48 - 1, 0)],
    ["c11bffffffffffffffff", new Timestamp(2n ** 64n - 1n, 0)],
    ["c1f97e00", new Tagged(1, Number.NaN)],
    ["c1f97c00", new Tagged(1, Number.POSITIVE_INFINITY)],
    ["c1fb7e37e43c8800759c", new Tagged(1, 1e300)],
    ["c16161", new Tagged(1, "a")],
  ])("%s", (bytes, value) => {
    expect(decode(bytes)).toStrictEqual(value);
  });
});

describe("what is not well-formed", () => {
  it.each([
    ["nothing", "", "truncated"],
    ["a head cut off", "19 01", "truncated"],
    ["a float cut off", "fb 00", "truncated"],
    ["a text cut off", "63 6161", "truncated"],
    ["an array cut off", "82 01", "truncated"],
    ["a tag of nothing", "c1", "truncated"],
    ["a map cut off in a value", "a1 6161", "truncated"],
    ["bytes behind the value", "01 02", "corrupt"],
    ["a break alone", "ff", "corrupt"],
    ["a break in an array", "82 0f ff", "corrupt"],
    ["a break for a value in a map", "bf 6161 ff", "corrupt"],
    ["a break for a value behind an odd key", "bf 01 ff", "corrupt"],
    ["a break behind a tag", "9f c1 ff ff", "corrupt"],
    ["an integer of indefinite length", "1f", "corrupt"],
    ["a negative one", "3f", "corrupt"],
    ["a tag of indefinite length", "df 01", "corrupt"],
    ["a reserved length", "1c", "corrupt"],
    ["a reserved length of a text", "7d 61", "corrupt"],
    ["a reserved simple value", "fc", "corrupt"],
    ["a simple value below 32 in two bytes", "f8 14", "corrupt"],
    ["a text chunk in a byte string", "5f 6161 ff", "corrupt"],
    ["a byte chunk in a text", "7f 4161 ff", "corrupt"],
    ["a number as a chunk", "5f 01 ff", "corrupt"],
    ["chunks in chunks", "5f 5f 4101 ff ff", "corrupt"],
    ["a chunk of a reserved length", "5f 5c ff", "corrupt"],
    ["chunks without an end", "5f 4101", "truncated"],
    ["a chunk cut off", "5f 42 01", "truncated"],
    ["an array without an end", "9f 01 02", "truncated"],
    ["UTF-8 split between chunks", "7f 61c3 61a9 ff", "corrupt"],
    ["an overlong text", "62c080", "corrupt"],
    ["a surrogate", "63eda080", "corrupt"],
    ["a text beyond Unicode", "64f4908080", "corrupt"],
    ["a lone continuation", "6180", "corrupt"],
    ["a key that is not UTF-8", "a1 61fe 01", "corrupt"],
    ["2^64-1 items", "9bffffffffffffffff 01", "truncated"],
    ["2^63-1 entries", "bb7fffffffffffffff 01", "truncated"],
    ["2^53-1 bytes", "5b001fffffffffffff 01", "truncated"],
    ["2^32-1 bytes of text", "7b00000000ffffffff 61", "truncated"],
    ["a chunk of 2^53-1 bytes", "5f 5b001fffffffffffff 01 ff", "truncated"],
  ])("%s", (_what, bytes, expected) => {
    expect(code(() => decode(bytes))).toBe(expected);
    expect(code(() => decoder.check(hex(bytes), DEFAULT_LIMITS))).toBe(expected);
  });
});

describe("limits", () => {
  it("of nesting count tags, and hold without recursion", () => {
    const nested = (head: number, depth: number): Uint8Array =>
      new Uint8Array(depth + 1).fill(head, 0, depth);
    for (const head of [0x81, 0xc6, 0x9f]) {
      expect(code(() => decode(nested(head, 100_000)))).toBe("limit");
      expect(code(() => decode(nested(head, 1001)))).toBe("limit");
    }
    expect(code(() => decode(nested(0x81, 1000)))).toBe("no error");
    let value = decode(nested(0x81, 200_000), "object", { maxDepth: 300_000 });
    let depth = 0;
    for (; Array.isArray(value); depth++) value = value[0];
    expect(depth).toBe(200_000);
    const unbalanced = new Uint8Array(20_001).fill(0x9f, 0, 10_000).fill(0xff, 10_000);
    expect(code(() => decode(unbalanced, "object", { maxDepth: 300_000 }))).toBe("corrupt");
  });

  it("of items, keys and bignums", () => {
    expect(code(() => decode("83010203", "object", { maxItems: 3 }))).toBe("limit");
    expect(code(() => decode("83010203", "object", { maxItems: 4 }))).toBe("no error");
    expect(code(() => decode("9f010203ff", "object", { maxItems: 3 }))).toBe("limit");
    expect(code(() => decode("a1 6161 01", "object", { maxItems: 2 }))).toBe("limit");
    expect(code(() => decode("bf 6161 01 ff", "object", { maxItems: 2 }))).toBe("limit");
    expect(code(() => decode("a1 626161 01", "object", { maxKeyBytes: 1 }))).toBe("limit");
    const bignum = new Uint8Array(4 + 60_000).fill(1);
    bignum.set([0xc2, 0x59, 60_000 >> 8, 60_000 & 255]);
    expect(code(() => decode(bignum))).toBe("limit");
  });
});

describe("cborDecoder", () => {
  it("decodes several items that follow each other", () => {
    const options = { maps: "object", limits: DEFAULT_LIMITS } as const;
    expect(decoder.decode(hex("01 80 6161"), 3, options)).toMatchObject({
      values: [1, [], "a"],
      hasPickles: false,
      items: 3,
    });
    expect(decoder.decode(hex("01 c100 a10102"), 3, options).values).toEqual([
      1,
      new Date(0),
      new Map([[1, 2]]),
    ]);
    expect(decoder.decode(hex(""), 0, options).values).toEqual([]);
    expect(decoder.decode(hex("4101 01"), 2, options).hasPickles).toBe(false);
    expect(code(() => decoder.decode(hex("01 80"), 3, options))).toBe("truncated");
    expect(code(() => decoder.decode(hex("01 80 02"), 2, options))).toBe("corrupt");
    expect(code(() => decoder.decode(hex("01"), 0, options))).toBe("corrupt");
  });

  it("copies byte strings, also from a Buffer, and leaves no trace on its source", () => {
    for (const head of ["", "c1"]) {
      const source = Buffer.from(hex(`82 ${head}01 420102`));
      const list = decode(source) as [unknown, Uint8Array];
      expect(Object.getPrototypeOf(list[1])).toBe(Uint8Array.prototype);
      source.fill(0);
      expect(list[1]).toEqual(Uint8Array.of(1, 2));
      expect(Object.keys(source)).toHaveLength(source.length);
    }
  });

  it("reads lengths of 64 bits", () => {
    expect(decode(`82 78c8 ${"78".repeat(200)} 7b0000000000000001 61`)).toEqual(["x".repeat(200), "a"]);
  });

  it("reads all half floats as cbor-x does", () => {
    const peer = new CborX();
    for (let bits = 0; bits < 65536; bits++) {
      const bytes = Uint8Array.of(0xf9, bits >> 8, bits & 255);
      const [value, expected] = [decode(bytes), peer.decode(bytes)];
      if (!Object.is(value, expected)) expect.fail(`${bits}: ${value} and ${expected}`);
    }
  });

  it("keeps the order of a map's keys when one of them is not a text", () => {
    const keys = (bytes: string): unknown[] => [...(decode(bytes) as Map<unknown, unknown>)].flat();
    expect(keys("a3 6162 01 6132 02 05 03")).toEqual(["b", 1, "2", 2, 5, 3]);
    expect(keys("a4 6162 01 6132 02 6162 09 05 03")).toEqual(["b", 9, "2", 2, 5, 3]);
    expect(keys("a3 69 5f5f70726f746f5f5f 01 80 02 6131 03")).toEqual(["__proto__", 1, [], 2, "1", 3]);
  });

  it("rejects nested counts that together exceed the bytes", () => {
    // Each list announces as many items as there are bytes left.
    const nested = new Uint8Array(3 * 1000);
    for (let at = 0; at < nested.length; at += 3)
      nested.set([0x99, (nested.length - at - 3) >> 8, nested.length - at - 3], at);
    expect(code(() => decode(nested))).toBe("truncated");
  });
});

describe("random documents", () => {
  /** A random item of CBOR; `plain` keeps to what cbor-x is trusted with. */
  function item(next: (below: number) => number, depth: number, plain: boolean): number[] {
    const head = (major: number, value: number): number[] => {
      const forms = [
        ...(value < 24 ? [[major | value]] : []),
        ...(value < 256 ? [[major | 24, value]] : []),
        [major | 25, value >> 8, value & 255],
        [major | 26, 0, 0, value >> 8, value & 255],
        [major | 27, 0, 0, 0, 0, 0, 0, value >> 8, value & 255],
      ];
      return forms[next(3) > 0 ? 0 : next(forms.length)]!;
    };
    const text = (): number[] => {
      const pieces = [
        "a",
        "key",
        "é",
        "日本",
        "😀",
        "x".repeat(next(40)),
        "__proto__",
        "\ufeff",
        "0",
        "z".repeat(next(200)),
      ];
      let string = pieces[next(plain ? 6 : 10)]! + pieces[next(6)]!;
      if (plain && string.startsWith("__proto__")) string = "p";
      const bytes = new TextEncoder().encode(string);
      return [...head(0x60, bytes.length), ...bytes];
    };
    const kind = next(depth > 0 ? 10 : 6);
    const rest = (): number[] => item(next, depth - 1, plain);
    if (kind === 0) return head(next(2) * 0x20, next(66000) & 0xffff);
    if (kind === 1) return [0xf4 + next(3)];
    if (kind === 2) return [0xfb, ...Array.from({ length: 8 }, () => next(256))];
    if (kind === 3) return text();
    if (kind === 4) return [...head(0x40, 3), 1, 2, 3];
    if (kind === 5) {
      if (plain) return [0xf9, next(256), next(256)];
      return [
        [0xf7],
        [0xe0 + next(20)],
        [0xf8, 32 + next(224)],
        [0x1b, ...Array.from({ length: 8 }, () => next(256))],
        [0x5f, 0x41, 7, 0xff],
      ][next(5)]!;
    }
    const count = next(6);
    const children = Array.from({ length: count });
    if (kind < 8) {
      const items = children.flatMap(rest);
      return !plain && next(4) === 0 ? [0x9f, ...items, 0xff] : [...head(0x80, count), ...items];
    }
    if (kind === 8 || plain) {
      const key = (): number[] => (!plain && next(5) === 0 ? rest() : text());
      const items = children.flatMap(() => [...key(), ...rest()]);
      return !plain && next(4) === 0 ? [0xbf, ...items, 0xff] : [...head(0xa0, count), ...items];
    }
    return [...head(0xc0, [0, 1, 2, 3, 4, 37, 258, 259, 55799][next(9)]!), ...rest()];
  }

  it("are decoded as by cbor-x if they are plain", () => {
    const common = { useRecords: false, int64AsNumber: true, copyBuffers: true };
    const peers = {
      object: new CborX({ ...common, mapsAsObjects: true }),
      map: new CborX({ ...common, mapsAsObjects: false }),
    };
    const next = random(8);
    for (let i = 0; i < 4000; i++) {
      const bytes = Uint8Array.from(item(next, 6, true));
      for (const style of ["object", "map"] as const) {
        expect(decode(bytes, style)).toStrictEqual(peers[style].decode(bytes));
      }
    }
  });

  it("of every kind are decoded, and mutated give typed errors only, the same as a check", () => {
    const next = random(9);
    const seen = new Map<string, number>();
    for (let i = 0; i < 8000; i++) {
      const bytes = Uint8Array.from(item(next, 6, next(2) === 0));
      expect(code(() => decode(bytes))).toBe("no error");
      for (let n = next(4); n > 0; n--)
        bytes[next(bytes.length)] = next(2) === 0 ? next(256) : 0xff - next(8) * 32;
      const mutated = next(3) === 0 ? bytes.subarray(0, next(bytes.length)) : bytes;
      const result = code(() => decode(mutated));
      const checked = code(() => decoder.check(mutated, DEFAULT_LIMITS));
      // The decoder notices earlier than a check that all announced items together exceed the bytes.
      expect([checked, "truncated"]).toContain(result);
      if (checked === "no error") expect(result).toBe(checked);
      seen.set(result, (seen.get(result) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(["corrupt", "no error", "truncated"]);
    expect(Math.min(...seen.values())).toBeGreaterThan(400);
  });
});

describe("the fixtures", () => {
  /** An unsigned integer in a field of the header, and the values of a table: the least reader of CBOR archives. */
  function table(file: Uint8Array): { data: Uint8Array; toc: Map<string, unknown> } {
    const field = (at: number): number => {
      const length = [1, 2, 3, 5, 9][Math.max(0, (file[at]! & 31) - 23)];
      return decode(file.subarray(at, at + length!)) as number;
    };
    const origin = 50;
    const toc = decode(file.subarray(origin + field(30), origin + field(30) + field(40)), "map");
    return { data: file.subarray(origin, origin + field(30)), toc: toc as Map<string, unknown> };
  }

  /** What a path of one segment, or of none, finds. */
  function find(file: Uint8Array, path: string): Value {
    const { data, toc } = table(file);
    const node =
      path === "" ? toc : ((toc.get("t") as Map<string, unknown>).get(path) as Map<string, unknown>);
    const [start, end] = node.get("p") as [number, number];
    return decode(data.subarray(start, end));
  }

  const outcome = (file: Uint8Array, read: ReadCase): string | undefined => {
    let value: Value;
    const result = code(() => {
      value = find(file, read.path as string);
    });
    if (result !== "no error") return read.errors.includes(result as "corrupt") ? undefined : result;
    return read.values.some((expected) => sameTagged(value, expected)) ? undefined : "another value";
  };

  const whole = loadArchives().filter(({ file }) => /^(forms|indefinite|tags|bigints)-cbor/.test(file));
  const hostile = loadCorrupt().filter(({ file }) => /^data-.*-cbor/.test(file));

  it("are there", () => {
    expect(whole).toHaveLength(4);
    expect(hostile.length).toBeGreaterThanOrEqual(30);
  });

  it.each([...whole, ...hostile].map((entry) => [entry.file, entry] as const))("%s", (_file, entry) => {
    const bytes = entry.bytes();
    expect(entry.reads.map((read) => [read.path, outcome(bytes, read)])).toEqual(
      entry.reads.map((read) => [read.path, undefined]),
    );
  });
});
