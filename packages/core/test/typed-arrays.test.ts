import { describe, expect, it } from "vitest";
import { encodeArchive, float64, type LazyList, type NumberType, openArchive } from "../src/index.js";
import { numberArray } from "../src/reader/number-array.js";
import { observedSource } from "./observed-source.js";
import { failure } from "./outcome.js";

const CODECS = ["msgpack", "cbor"] as const;
const ARRAYS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** Least and greatest of each integer type. */
const RANGES: readonly (readonly [NumberType, bigint, bigint])[] = [
  ["int8", -128n, 127n],
  ["uint8", 0n, 255n],
  ["int16", -32768n, 32767n],
  ["uint16", 0n, 65535n],
  ["int32", -(2n ** 31n), 2n ** 31n - 1n],
  ["uint32", 0n, 2n ** 32n - 1n],
  ["int64", -(2n ** 63n), 2n ** 63n - 1n],
  ["uint64", 0n, 2n ** 64n - 1n],
];

/** A list as a handle: in blocks, or with an entry for each item. */
async function lazyList(
  items: readonly unknown[],
  codec: "msgpack" | "cbor",
  blocks: boolean,
): Promise<LazyList> {
  const archive = await openArchive(
    observedSource(encodeArchive(items, { codec, smallObjectThreshold: 20, trivialSize: blocks ? 20 : 0 })),
  );
  expect(archive.info.kind).toBe(blocks ? "blocked" : "list");
  return (await archive.get()) as LazyList;
}

describe.each(CODECS.flatMap((codec) => [[codec, true] as const, [codec, false] as const]))(
  "typed arrays from %s, in blocks: %s",
  (codec, blocks) => {
    it.each(RANGES)(
      "%s holds what lies in its range, of every form, and nothing else",
      async (type, least, most) => {
        const edges = Array.from({ length: 64 }, (_, bit) => 1n << BigInt(bit)).flatMap((n) => [
          n - 1n,
          n,
          -n,
          -n - 1n,
        ]);
        const inside = [...edges.filter((n) => n >= least && n <= most), least, most, 0n];
        const numbers = Array.from({ length: 60 }, (_, i) => inside[i % inside.length]!);
        const list = await lazyList(numbers, codec, blocks);
        const array = await list.toTypedArray(type);
        expect(array).toBeInstanceOf(ARRAYS[type]);
        expect(Array.from(array as ArrayLike<number | bigint>, BigInt)).toEqual(numbers);
        for (const wrong of [least - 1n, most + 1n]) {
          if (wrong > 2n ** 64n - 1n || wrong < -(2n ** 63n)) continue;
          const other = await lazyList([...numbers, wrong], codec, blocks);
          await expect(other.toTypedArray(type)).rejects.toMatchObject({ code: "unsupported-value" });
        }
        const fraction = await lazyList([...numbers, 0.5], codec, blocks);
        await expect(fraction.toTypedArray(type)).rejects.toMatchObject({ code: "unsupported-value" });
        // A float that is integral is as good as the integer.
        const integral = await lazyList([...Array(60).fill(1), float64(2)], codec, blocks);
        expect(Number((await integral.toTypedArray(type)).at(-1))).toBe(2);
      },
    );

    it("rounds every number to a float", async () => {
      const numbers = [
        0.1,
        -0,
        1,
        2n ** 63n,
        -5,
        300,
        70_000,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        5e-324,
        1e308,
      ];
      const many = Array.from({ length: 80 }, (_, i) => numbers[i % numbers.length]!);
      const list = await lazyList(many, codec, blocks);
      const plain = many.map(Number);
      expect(await list.toTypedArray("float64")).toEqual(Float64Array.from(plain));
      expect(await list.toTypedArray("float32")).toEqual(Float32Array.from(plain));
      expect(Object.is((await list.toTypedArray("float64"))[1], -0)).toBe(true);
    });

    it("rejects an item that is not a number, at any position", async () => {
      for (const wrong of ["1", null, true, [1], { a: 1 }, Uint8Array.of(1)]) {
        for (const at of [0, 30, 59]) {
          const items: unknown[] = Array(60).fill(1);
          items[at] = wrong;
          const list = await lazyList(items, codec, blocks);
          await expect(list.toTypedArray("float64")).rejects.toMatchObject({ code: "unsupported-value" });
        }
      }
    });
  },
);

describe.each(CODECS)("columns of %s", (codec) => {
  it("reads all numbers of many blocks, floats and mixed", async () => {
    const floats = Array.from({ length: 100_000 }, (_, i) => i / 7);
    const mixed = floats.map((n, i) => (i % 3 === 0 ? i : n));
    const archive = await openArchive(observedSource(encodeArchive({ floats, mixed }, { codec })));
    for (const [path, numbers] of [
      ["floats", floats],
      ["mixed", mixed],
    ] as const) {
      const list = (await archive.get(path)) as LazyList;
      expect(await list.toTypedArray("float64")).toEqual(Float64Array.from(numbers));
    }
  });

  it("rejects an unknown type with TypeError, and ends on abort and close", async () => {
    const list = await lazyList(Array(5000).fill(7), codec, true);
    expect(await failure(list.toTypedArray("float128" as never))).toBeInstanceOf(TypeError);
    expect(await failure(list.toTypedArray("toString" as never))).toBeInstanceOf(TypeError);
    expect(await failure(list.toTypedArray("int8", { signal: AbortSignal.abort("enough") }))).toBe("enough");
  });

  it("reads numbers in encodings that the writer never uses", async () => {
    const { encodeHeader } = await import("../src/format/header.js");
    const items =
      codec === "msgpack"
        ? "ca3f800000 cc01 cd0001 ce00000001 cf0000000000000001 d001 d10001 d200000001 d30000000000000001 01"
        : "fa3f800000 f93c00 1801 190001 1a00000001 1b0000000000000001 01 f93c00 f93c00 01";
    const bytes = Buffer.from(items.replaceAll(" ", ""), "hex");
    const data = Buffer.concat([Buffer.of(codec === "msgpack" ? 0x9a : 0x8a), bytes]);
    const toc =
      codec === "msgpack"
        ? Buffer.from([0x81, 0xa1, 0x70, 0x91, 0x93, 10, 1, data.length])
        : Buffer.from([0xa1, 0x61, 0x70, 0x81, 0x83, 10, 1, 0x18, data.length]);
    const header = encodeHeader({ protocol: codec, tocStart: data.length, tocSize: toc.length });
    const archive = await openArchive(new Uint8Array(Buffer.concat([header, data, toc])));
    expect(archive.info.kind).toBe("blocked");
    const list = (await archive.get()) as LazyList;
    for (const type of Object.keys(ARRAYS) as NumberType[]) {
      expect(Array.from((await list.toTypedArray(type)) as ArrayLike<number>, Number)).toEqual(
        Array(10).fill(1),
      );
    }
    expect(await archive.read()).toEqual(Array(10).fill(1));
  });
});

it("rejects a length beyond the maximum, and beyond memory, before it allocates", () => {
  const code = (length: number, maximum?: number): Promise<unknown> =>
    failure(Promise.resolve().then(() => numberArray("float64", length, maximum)));
  return Promise.all([
    expect(code(10, 10)).resolves.toBe("no error"),
    expect(code(11, 10)).resolves.toBe("limit"),
    expect(code(2 ** 50)).resolves.toBe("limit"),
  ]);
});
