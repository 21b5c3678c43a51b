import { describe, expect, it } from "vitest";
import {
  Ext,
  Float64,
  isPeekpackError,
  NdArray,
  Simple,
  Tagged,
  Timestamp,
  type Value,
} from "../src/index.js";
import { fromTagged, type JsonLoss, jsonText, type TaggedJson, toTagged } from "../src/tagged/index.js";

/** Notations and what they stand for, the same both ways. */
const pairs: [TaggedJson, unknown][] = [
  [null, null],
  [true, true],
  ["$int", "$int"],
  [12, 12],
  [-9007199254740991, -9007199254740991],
  [{ $int: "9007199254740993" }, 9007199254740993n],
  [{ $int: "-9223372036854775808" }, -9223372036854775808n],
  [{ $float: "0.1" }, 0.1],
  [{ $float: "1.0" }, new Float64(1)],
  [{ $float: "-0.0" }, -0],
  [{ $float: "1e+16" }, 1e16],
  [{ $float: "1.5e+300" }, 1.5e300],
  [{ $float: "1e-05" }, 1e-5],
  [{ $float: "0.0001" }, 1e-4],
  [{ $float: "-0.00012345" }, -0.00012345],
  [{ $float: "5e-324" }, 5e-324],
  [{ $float: "1234567890123456.0" }, new Float64(1234567890123456)],
  [{ $float: "1.2345678901234568e+18" }, 1234567890123456800],
  [{ $float: "nan" }, Number.NaN],
  [{ $float: "inf" }, Number.POSITIVE_INFINITY],
  [{ $float: "-inf" }, Number.NEGATIVE_INFINITY],
  [{ $bytes: "00ff" }, Uint8Array.of(0, 255)],
  [{ $bytes: "" }, new Uint8Array(0)],
  [
    [1, [{ $float: "0.5" }]],
    [1, [0.5]],
  ],
  [{ $map: [] }, {}],
  [
    {
      $map: [
        ["b", 1],
        ["a", { $map: [["", null]] }],
      ],
    },
    { b: 1, a: { "": null } },
  ],
  [
    {
      $map: [
        ["1.5", 1],
        ["-1", 2],
        ["01", 3],
        ["4294967295000", 4],
      ],
    },
    { "1.5": 1, "-1": 2, "01": 3, "4294967295000": 4 },
  ],
  // JavaScript would sort these keys of a plain object to the front.
  [
    {
      $map: [
        ["10", 1],
        ["9", 2],
      ],
    },
    new Map([
      ["10", 1],
      ["9", 2],
    ]),
  ],
  [
    {
      $map: [
        [1, "int"],
        [null, "null"],
        [{ $float: "1.5" }, "float"],
      ],
    },
    new Map<unknown, string>([
      [1, "int"],
      [null, "null"],
      [1.5, "float"],
    ]),
  ],
  [{ $set: [1, "a"] }, new Set([1, "a"])],
  [{ $timestamp: [1363896240, 500000000] }, new Date(1363896240500)],
  [{ $timestamp: [-1, 999000000] }, new Date(-1)],
  [{ $timestamp: [1, 1] }, new Timestamp(1, 1)],
  [{ $timestamp: [34360560430000, 0] }, new Timestamp(34360560430000, 0)],
  [{ $ext: [-5, "0a"] }, new Ext(-5, Uint8Array.of(10))],
  [{ $tag: [60000, { $map: [["a", 1]] }] }, new Tagged(60000, { a: 1 })],
  [{ $tag: [{ $int: "18446744073709551615" }, null] }, new Tagged(18446744073709551615n, null)],
  [{ $undefined: true }, undefined],
  [{ $simple: 16 }, new Simple(16)],
  [{ $ndarray: { dtype: "int8", shape: [1, 2], data: [1, -2] } }, new NdArray(Int8Array.of(1, -2), [1, 2])],
  [
    { $ndarray: { dtype: "bool", shape: [2], data: [true, false] } },
    new NdArray(Uint8Array.of(1, 0), [2], "bool"),
  ],
  [
    { $ndarray: { dtype: "float16", shape: [], data: [{ $float: "1.0" }] } },
    new NdArray(Float32Array.of(1), [], "float16"),
  ],
  [{ $ndarray: { dtype: "float64", shape: [0, 3], data: [] } }, new NdArray(new Float64Array(0), [0, 3])],
  [
    { $ndarray: { dtype: "uint64", shape: [2], data: [{ $int: "18446744073709551615" }, 0] } },
    new NdArray(BigUint64Array.of(18446744073709551615n, 0n)),
  ],
];

describe("the notation of values", () => {
  it.each(pairs)("%j", (notation, value) => {
    expect(fromTagged(notation)).toStrictEqual(value);
    expect(JSON.stringify(toTagged(value))).toBe(JSON.stringify(notation));
  });

  it("has more than one notation for some lists", () => {
    expect(fromTagged({ $tuple: [1, { $repeat: ["a", 3] }] })).toEqual([1, ["a", "a", "a"]]);
    expect(toTagged(Float64Array.of(1, 0.5))).toEqual([{ $float: "1.0" }, { $float: "0.5" }]);
    expect(toTagged(BigInt64Array.of(1n, -(2n ** 60n)))).toEqual([1, { $int: "-1152921504606846976" }]);
  });

  it("marks integral floats or leaves them plain", () => {
    expect(fromTagged([{ $float: "3.0" }], { floats: "number" })).toEqual([3]);
    expect(toTagged(3)).toBe(3);
    expect(toTagged(1e16)).toEqual({ $float: "1e+16" });
  });

  it("makes a Map of every map on request", () => {
    expect(fromTagged({ $map: [["a", { $map: [] }]] }, { maps: "map" })).toEqual(new Map([["a", new Map()]]));
  });

  it("keeps __proto__ as an own key", () => {
    const value = fromTagged({ $map: [["__proto__", { $map: [["x", 1]] }]] }) as object;
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(toTagged(value)).toEqual({ $map: [["__proto__", { $map: [["x", 1]] }]] });
  });

  it.each([
    [{ a: 1 }, "the root"],
    [{}, "the root"],
    [{ $int: "1", $float: "1" }, "the root"],
    [{ $nope: 1 }, "the root"],
    [[1, { $int: "0x1" }], "1"],
    [{ $int: 5 }, "the root"],
    [{ $float: "1,5" }, "the root"],
    [{ $float: "Infinity" }, "the root"],
    [1.5, "the root"],
    [2 ** 53, "the root"],
    [{ $bytes: "0" }, "the root"],
    [{ $bytes: "zz" }, "the root"],
    [{ $map: [["a"]] }, "the root"],
    [{ $map: { a: 1 } }, "the root"],
    [{ $map: [["a", { $simple: 25 }]] }, "$map/0/1"],
    [{ $set: 1 }, "the root"],
    [{ $repeat: [1, -1] }, "the root"],
    [{ $timestamp: [1, 1e9] }, "the root"],
    [{ $timestamp: [1] }, "the root"],
    [{ $ext: [200, "00"] }, "the root"],
    [{ $tag: [-1, 0] }, "the root"],
    [{ $tag: ["1", 0] }, "the root"],
    [{ $ndarray: null }, "the root"],
    [{ $ndarray: { dtype: "complex128", shape: [0], data: [] } }, "the root"],
    [{ $ndarray: { dtype: "int8", shape: [3], data: [1] } }, "the root"],
    [{ $ndarray: { dtype: "int64", shape: [1], data: ["x"] } }, "the root"],
  ])("refuses %j", (notation, where) => {
    let error: unknown;
    try {
      fromTagged(notation);
    } catch (thrown) {
      error = thrown;
    }
    expect(isPeekpackError(error) && error.code).toBe("unsupported-value");
    expect((error as Error).message).toContain(`(at ${where})`);
  });

  it.each([[Symbol("s")], [() => 1], [new (class Thing {})()], [/a/]])("has none for %o", (value) => {
    expect(() => toTagged(value)).toThrow(expect.objectContaining({ code: "unsupported-value" }));
  });
});

describe("JSON text", () => {
  const textOf = async (value: unknown, options = {}): Promise<string> => {
    let text = "";
    for await (const part of jsonText(value as Value, options)) text += part;
    return text;
  };

  // A mark of a float is written, and never read.
  it.each(pairs.filter(([, value]) => !(value instanceof Float64)))(
    "in the tagged notation is what toTagged gives: %j",
    async (notation, value) => {
      expect(JSON.parse(await textOf(value, { tagged: true }))).toEqual(notation);
    },
  );

  it("says what plain JSON does not give back, and nothing of what it does", async () => {
    const lost: JsonLoss[] = [];
    const onLoss = (what: JsonLoss): void => void lost.push(what);
    const bytes = Uint8Array.from({ length: 50_000 }, (_, i) => i);
    const value = [1, -0, 0.1, "text", null, true, { a: [] }, bytes, 2n ** 60n, new Date(0), Number.NaN];
    const text = await textOf([...value, undefined, new Ext(5, bytes), new Set([1]), new Map([[1, 2]])], {
      onLoss,
    });
    expect(lost).toEqual(["bytes", "integer", "instant", "number", "undefined", "extension", "set", "key"]);
    expect(JSON.parse(text)[7]).toBe(Buffer.from(bytes).toString("base64"));
    lost.length = 0;
    await textOf(value.slice(0, 7), { onLoss });
    await textOf(value, { onLoss, tagged: true });
    expect(lost).toEqual([]);
  });
});
