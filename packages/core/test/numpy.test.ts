import { readFileSync } from "node:fs";
import { loadArchives, sameTagged } from "@peekpack/testing/fixtures";
import { describe, expect, it } from "vitest";
import { fromFloat16, toFloat16 } from "../src/float16.js";
import { encodeArchive, openArchive } from "../src/index.js";
import { NdArray, type NdData, type NdType } from "../src/nd-array.js";
import { decodeNumpyPickle } from "../src/numpy/pickle.js";
import { encodeNumpyPickle } from "../src/numpy/pickle-writer.js";
import { mayBeNumpyPickle } from "../src/pickle-sniff.js";

/** A pickle that numpy made (numpy-pickles.py) and, where it is to be read as an array, what it holds. */
interface Golden {
  readonly name: string;
  readonly numpy: string;
  readonly how: string;
  readonly pickle: string;
  readonly dtype?: NdType;
  readonly shape?: number[];
  readonly data?: string[];
  readonly contiguous?: boolean;
}

const goldens = JSON.parse(readFileSync(new URL("numpy-pickles.json", import.meta.url), "utf8")) as Golden[];

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (b) => Number.parseInt(b, 16));
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** An element as Python prints it. */
function element(text: string): number | bigint | boolean {
  if (/^(True|False)$/.test(text)) return text === "True";
  if (/inf$/.test(text)) return Number(text.replace("inf", "Infinity"));
  return text === "nan" ? Number.NaN : /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
}

/** The elements of an array as JavaScript would compare them to {@link element}. */
function elements(array: NdArray): unknown[] {
  if (array.dtype === "bool") return Array.from(array.data, Boolean);
  if (array.dtype.startsWith("float")) return Array.from(array.data as Float64Array);
  return Array.from(array.data as Int32Array, (value) => BigInt(value));
}

/** A small seeded generator (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The array of a pickle, decoded without pauses. */
const decode = (bytes: Uint8Array): Promise<NdArray | undefined> => decodeNumpyPickle(bytes, () => undefined);

const major = (golden: Golden): string => golden.numpy.split(".")[0] as string;

describe("decodeNumpyPickle", () => {
  it("has pickles of numpy 1 and 2 to read", () => {
    expect(new Set(goldens.map(major))).toEqual(new Set(["1", "2"]));
    expect(goldens.length).toBeGreaterThan(700);
  });

  it.each(goldens.map((golden) => [golden.name, golden.how, golden.numpy, golden] as const))(
    "%s, %s, numpy %s",
    async (_name, _how, _numpy, golden) => {
      const array = await decode(hex(golden.pickle));
      if (golden.data === undefined) {
        expect(array).toBeUndefined();
        return;
      }
      expect(array).toBeInstanceOf(NdArray);
      expect(array!.dtype).toBe(golden.dtype);
      expect(array!.shape).toEqual(golden.shape);
      expect(elements(array!)).toEqual(golden.data.map(element));
    },
  );

  it("reads what the reference pickled, and refuses the rest of it", async () => {
    const archives = loadArchives().filter(({ file }) => /^numpy-(pickle|lookalike)-/.test(file));
    let arrays = 0;
    let refused = 0;
    for (const read of archives.flatMap(({ reads }) => reads)) {
      const bytes = (read.raw ?? read.values[0]) as { $bytes: string };
      const array = await decode(hex(bytes.$bytes));
      if (read.raw === undefined) {
        expect(array).toBeUndefined();
        refused++;
      } else {
        expect(sameTagged(array, read.values[0]!)).toBe(true);
        arrays++;
      }
    }
    expect(arrays).toBe(13 * 4);
    expect(refused).toBe(5 * 4 + 5 * 2);
  });

  it("gives a copy, also of a view at an odd offset", async () => {
    const pickle = hex(goldens.find((golden) => golden.name === "float64 vector")!.pickle);
    const shifted = new Uint8Array(pickle.length + 1);
    shifted.set(pickle, 1);
    const array = (await decode(shifted.subarray(1)))!;
    shifted.fill(0);
    expect(array.data[0]).toBe(1.5);
  });

  const numpy2 =
    "cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85c_codecs\nencode\nX\x01\0\0\0bX\x06\0\0\0latin1\x86R\x87R";
  const dtype =
    "cnumpy\ndtype\nX\x02\0\0\0u1\x89\x88\x87R(K\x03X\x01\0\0\0|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb";
  const whole = (shape: string, bytes = "C\x02\x01\x02"): Uint8Array =>
    ascii(`\x80\x03${numpy2}(K\x01${shape}${dtype}\x89${bytes}tb.`);

  it("reads a pickle put together by hand", async () => {
    expect(await decode(whole("K\x02\x85"))).toEqual(new NdArray(Uint8Array.of(1, 2)));
  });

  it.each([
    ["nothing", ""],
    ["a protocol only", "\x80\x02"],
    ["protocol 0", "cos\nsystem\n(S'echo'\ntR."],
    ["a later protocol", "\x80\x06N."],
    ["no array", "\x80\x02N."],
    ["a call of os.system", "\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R."],
    ["a call of eval", "\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x031/0\x85R."],
    ["a call of eval on the way to an array", `\x80\x03cbuiltins\neval\nX\x03\0\0\x001/0\x85R0${numpy2}.`],
    ["an array that never got its state", `\x80\x03${numpy2}.`],
    [
      "another class than ndarray",
      `\x80\x03cnumpy._core.multiarray\n_reconstruct\ncos\nPathLike\nK\0\x85C\x01b\x87R.`,
    ],
    ["a call of a value that is not a function", "\x80\x02K\x01)R."],
    ["state for a number", "\x80\x02K\x01)b."],
    ["an empty stack", "\x80\x02R."],
    ["a mark left over", "\x80\x02(N."],
    ["a mark missing", "\x80\x02NtK\x01."],
    ["a persistent id", "\x80\x02Pabc\n."],
    ["an extension code", "\x80\x02\x82\x01."],
    ["an instance", "\x80\x02(ios\nsystem\n."],
    ["a new object", "\x80\x02cnumpy\nndarray\n)\x81."],
    ["a memo entry that is not there", "\x80\x02h\x07."],
    ["an endless name", `\x80\x02c${"a".repeat(10_000)}`],
    ["a text of 4 GiB announced", "\x80\x02X\xff\xff\xff\xffab."],
    ["bytes of 2^63 announced", "\x80\x04\x8e\0\0\0\0\0\0\0\x80ab."],
  ])("refuses %s", async (_what, pickle) => {
    expect(await decode(ascii(pickle))).toBeUndefined();
  });

  it.each([
    ["a shape of too many elements", "K\x03\x85"],
    ["a shape of too few elements", "K\x01\x85"],
    ["no dimension", ")"],
    ["a negative length", "J\xfe\xff\xff\xffJ\xff\xff\xff\xff\x86"],
    ["a length beyond 2^53", "\x8a\x08\0\0\0\0\0\0\0\x20\x85"],
    ["a length of 2^1000", `\x8a\x7e${"\0".repeat(125)}\x01\x85`],
    ["a length that is no number", "N\x85"],
    ["65 dimensions", `(K\x02${"K\x01".repeat(64)}t`],
    ["a shape that is no tuple", "K\x02"],
  ])("refuses %s", async (_what, shape) => {
    expect(await decode(whole(shape))).toBeUndefined();
  });

  it("refuses empty arrays with countless rows", async () => {
    expect((await decode(whole("K\0J\0\0\0\x7f\x86", "C\0")))?.toNested()).toEqual([]);
    expect((await decode(whole("K\x02K\0\x86", "C\0")))?.toNested()).toEqual([[], []]);
    expect(await decode(whole("J\0\0\0\x7fK\0\x86", "C\0"))).toBeUndefined();
  });

  it("refuses programs that are too long, and those that copy a text over and over", async () => {
    expect(await decode(ascii(`\x80\x02${"N".repeat(1_000_000)}.`))).toBeUndefined();
    const big = `X\0\0\x10\0${"a".repeat(0x100000)}`;
    const again = "h\x01h\x02X\x06\0\0\0latin1\x86R";
    expect(
      await decode(ascii(`\x80\x02c_codecs\nencode\nq\x01${big}q\x02${again.repeat(50)}.`)),
    ).toBeUndefined();
  });

  it("refuses text beyond Latin-1 and broken UTF-8 as the bytes of an array", async () => {
    const encoded = (text: string): Uint8Array =>
      whole(
        "K\x02\x85",
        `c_codecs\nencode\nX${String.fromCharCode(text.length)}\0\0\0${text}X\x06\0\0\0latin1\x86R`,
      );
    expect((await decode(encoded("\xc2\x80\xc3\xbf")))?.data).toEqual(Uint8Array.of(0x80, 0xff));
    for (const text of ["\xc4\x80a", "a\xc3", "\x80a", "\xc3aa", "\xe2\x82\xac"]) {
      expect(await decode(encoded(text))).toBeUndefined();
    }
  });

  it("refuses every truncation and every byte after the end", async () => {
    for (const golden of goldens) {
      if (!/^(float64 vector|uint8 vector|float64 empty)$/.test(golden.name)) continue;
      const pickle = hex(golden.pickle);
      for (let length = 0; length < pickle.length; length++) {
        expect(await decode(pickle.subarray(0, length))).toBeUndefined();
      }
      expect(await decode(new Uint8Array([...pickle, 0x2e]))).toBeUndefined();
    }
  });

  it("never throws on 40,000 mutated pickles, and only gives arrays that fit their shape", async () => {
    const next = random(20260401);
    const originals = goldens.map((golden) => hex(golden.pickle));
    const pick = (n: number): number => Math.floor(next() * n);
    let arrays = 0;
    for (let i = 0; i < 40_000; i++) {
      let bytes = originals[pick(originals.length)]!.slice();
      for (let mutations = 1 + pick(3); mutations > 0; mutations--) {
        const at = pick(bytes.length);
        const kind = pick(4);
        if (kind === 0) bytes[at] = pick(256);
        else if (kind === 1) bytes[at]! ^= 1 << pick(8);
        else if (kind === 2) bytes = bytes.slice(0, at);
        else bytes.copyWithin(at, pick(bytes.length), pick(bytes.length));
      }
      const array = await decode(bytes);
      if (array === undefined) continue;
      arrays++;
      expect(array.data.byteLength).toBeLessThanOrEqual(2 * bytes.length);
      expect(array.shape.reduce((a, b) => a * b, 1)).toBe(array.data.length);
    }
    // Most mutations of elements leave an array, so the loop above did look at some.
    expect(arrays).toBeGreaterThan(1000);
  });
});

describe("a large pickled array that is read", () => {
  const image = new NdArray(
    Float64Array.from({ length: 2_000_000 }, (_, i) => Math.sin(i)),
    [1000, 2000],
  );
  const archive = () => openArchive(encodeArchive({ image }, { numpy: "pickle" }));

  /** Calls `tick` in every later task, until it is stopped. */
  function ticking(tick: () => void): { stop: () => void } {
    const timer = setInterval(tick, 1);
    return { stop: () => clearInterval(timer) };
  }

  it("lets timers run while it is decoded", async () => {
    const opened = await archive();
    await opened.read("image");
    let ticks = 0;
    const timer = ticking(() => ticks++);
    const read = (await opened.read("image")) as NdArray;
    timer.stop();
    expect(read.shape).toEqual(image.shape);
    expect(Buffer.compare(Buffer.from(read.data.buffer), Buffer.from(image.data.buffer))).toBe(0);
    expect(ticks).toBeGreaterThan(3);
  });

  it("is no longer decoded after an abort", async () => {
    const opened = await archive();
    await opened.read("image");
    const controller = new AbortController();
    let ticks = 0;
    const timer = ticking(() => {
      if (++ticks === 2) controller.abort();
    });
    await expect(opened.read("image", { signal: controller.signal })).rejects.toThrow("abort");
    timer.stop();
  });
});

describe("a byte string that only looks like a pickled array", () => {
  const bytes = ascii(`\x80multiarray${" ".repeat(300)}`);

  it.each([
    ["msgpack", true],
    ["msgpack", false],
    ["cbor", true],
    ["cbor", false],
  ] as const)("is read as a copy (%s, numpy: %s)", async (protocol, numpy) => {
    const value = { alone: bytes, list: [bytes, [bytes]], map: new Map([[bytes, bytes]]) };
    const archive = await openArchive(encodeArchive(value, { codec: protocol, smallObjectThreshold: 1 }), {
      numpy,
    });
    const read = await archive.read("alone");
    expect(read).toEqual(bytes);
    (read as Uint8Array).fill(0);
    expect(await archive.read("alone")).toEqual(bytes);
    const [first] = (await archive.read("list")) as Uint8Array[];
    first!.fill(0);
    expect(await archive.read()).toEqual(value);
  });
});

describe("encodeNumpyPickle", () => {
  const dumps = goldens.filter(
    (golden) => golden.how === "dumps" && major(golden) === "2" && golden.contiguous && golden.data,
  );

  it.each(dumps.map((golden) => [golden.name, golden] as const))(
    "writes numpy's own bytes: %s",
    async (_name, golden) => {
      const array = (await decode(hex(golden.pickle)))!;
      expect(encodeNumpyPickle(array)).toEqual(hex(golden.pickle));
    },
  );

  it("takes a typed array and a shape, at any offset of its buffer", async () => {
    const data = new Float32Array([9, 1, 2, 3, 4, 5, 6]).subarray(1);
    const array = (await decode(encodeNumpyPickle({ data, shape: [2, 3] })))!;
    expect(array.toNested()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(array.dtype).toBe("float32");
  });

  it("refuses a shape that does not hold the elements", () => {
    expect(() => encodeNumpyPickle({ data: new Int8Array(3), shape: [2, 2] })).toThrow(RangeError);
    expect(() => encodeNumpyPickle({ data: new Int8Array(3), shape: [-3, -1] })).toThrow(RangeError);
  });

  it("brings a million numbers there and back", async () => {
    const data = Float64Array.from({ length: 1_000_000 }, (_, i) => Math.sin(i));
    const array = (await decode(encodeNumpyPickle(new NdArray(data, [1000, 1000]))))!;
    expect(array.shape).toEqual([1000, 1000]);
    expect(array.data).toEqual(data);
  });
});

describe("NdArray", () => {
  it("names the type of its typed array", () => {
    const types: [NdData, NdType][] = [
      [new Int8Array(1), "int8"],
      [new Uint8Array(1), "uint8"],
      [new Int16Array(1), "int16"],
      [new Uint16Array(1), "uint16"],
      [new Int32Array(1), "int32"],
      [new Uint32Array(1), "uint32"],
      [new BigInt64Array(1), "int64"],
      [new BigUint64Array(1), "uint64"],
      [new Float32Array(1), "float32"],
      [new Float64Array(1), "float64"],
    ];
    for (const [data, dtype] of types) expect(new NdArray(data).dtype).toBe(dtype);
    expect(new NdArray(Uint8Array.of(0, 1), [2], "bool").dtype).toBe("bool");
    expect(new NdArray(new Float32Array(1), [1], "float16").dtype).toBe("float16");
    expect(() => new NdArray(new Int8Array(1), [1], "bool")).toThrow(TypeError);
    expect(() => new NdArray([1] as unknown as NdData)).toThrow(TypeError);
    expect(() => new NdArray(new Int8Array(1), [1], "toString" as NdType)).toThrow(TypeError);
  });

  it("nests its elements, integers as the reader gives them", () => {
    const big = 2n ** 53n;
    expect(new NdArray(BigInt64Array.of(1n, -big, big - 1n, big), [2, 2]).toNested()).toEqual([
      [1, -big],
      [Number(big) - 1, big],
    ]);
    expect(new NdArray(Uint8Array.of(1, 0), [1, 2, 1], "bool").toNested()).toEqual([[[true], [false]]]);
    expect(new NdArray(Float64Array.of(-0), []).toNested()).toBe(-0);
  });

  it("gives rows as views of its data, and those of bool as lists", () => {
    const data = Float64Array.of(1, 2, 3, 4);
    const rows = new NdArray(data, [2, 2]).toRows() as Float64Array[];
    data[3] = 5;
    expect(rows).toEqual([Float64Array.of(1, 2), Float64Array.of(3, 5)]);
    expect(new NdArray(Uint8Array.of(1, 0), [2], "bool").toRows()).toEqual([true, false]);
    expect(new NdArray(Float32Array.of(1), []).toRows()).toBe(1);
    expect(new NdArray(Uint8Array.of(1), [], "bool").toRows()).toBe(true);
    expect(new NdArray(Int8Array.of(1), []).toRows()).toBe(1);
    expect(new NdArray(new Int8Array(0), [2, 0]).toRows()).toEqual([new Int8Array(0), new Int8Array(0)]);
  });

  it("is written as floats if its type is one, also without dimensions", () => {
    const item = (array: NdArray): number => encodeArchive([array])[50 + 1]!;
    expect(item(new NdArray(Float32Array.of(1), []))).toBe(0xcb);
    expect(item(new NdArray(Int8Array.of(1), []))).toBe(1);
    expect(item(new NdArray(Uint8Array.of(1), [], "bool"))).toBe(0xc3);
  });

  it("gives single elements as the reader does", () => {
    const big = 2n ** 53n;
    const array = new NdArray(BigInt64Array.of(1n, -big, big - 1n, big), [2, 2]);
    expect([array.item(0, 0), array.item(0, 1), array.item(1, 0), array.item(1, 1)]).toEqual([
      1,
      -big,
      Number(big) - 1,
      big,
    ]);
    expect(new NdArray(Uint8Array.of(0, 1), [2], "bool").item(1)).toBe(true);
    for (const indices of [[], [0], [0, 2], [-1, 0], [0, 0.5], [0, 0, 0]]) {
      expect(() => array.item(...indices)).toThrow(RangeError);
    }
  });

  it("is recognized by its brand, and a map with the same keys is none", () => {
    const array = new NdArray(Int8Array.of(1));
    expect(NdArray.is(array)).toBe(true);
    for (const other of [{ ...array, toNested: () => [] }, null, "NdArray", Int8Array.of(1)]) {
      expect(NdArray.is(other)).toBe(false);
    }
  });

  it("gives elements by path as any other value, and leaves a map with its keys a map", async () => {
    const big = 2n ** 60n;
    const map = { dtype: "int8", shape: [1], toNested: "text" };
    const value = {
      bool: new NdArray(Uint8Array.of(1, 0), [2], "bool"),
      int64: new NdArray(BigInt64Array.of(1n, 2n, big, 3n)),
      rows: new NdArray(Float64Array.of(1, 2, 3, 4), [2, 2]),
      map,
    };
    const archive = await openArchive(encodeArchive(value, { numpy: "pickle" }));
    const paths = ["bool/0", "bool/1", "int64/3", "int64/2", "rows/1", "rows/1/0", "map", "map/shape/0"];
    expect(await archive.readMany(paths)).toEqual([true, false, 3, big, [3, 4], 3, map, 1]);
  });
});

describe("float16", () => {
  it("keeps every one of the 65,536 halves", () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = fromFloat16(bits);
      if (Number.isNaN(value)) expect(toFloat16(value)).toBe(0x7e00);
      else if (toFloat16(value) !== bits) expect.fail(`${bits} became ${toFloat16(value)}`);
    }
  });

  it("rounds to the nearest, ties to even", () => {
    expect(fromFloat16(toFloat16(1 + 2 ** -11))).toBe(1);
    expect(fromFloat16(toFloat16(1 + 3 * 2 ** -11))).toBe(1 + 2 ** -9);
    expect(fromFloat16(toFloat16(1 + 2 ** -11 + 2 ** -30))).toBe(1 + 2 ** -10);
    expect(fromFloat16(toFloat16(65519.99))).toBe(65504);
    expect(fromFloat16(toFloat16(65520))).toBe(Number.POSITIVE_INFINITY);
    expect(fromFloat16(toFloat16(2 ** -25))).toBe(0);
    expect(fromFloat16(toFloat16(2 ** -25 * 1.0001))).toBe(2 ** -24);
    expect(fromFloat16(toFloat16(2 - 2 ** -12))).toBe(2);
    expect(Object.is(fromFloat16(toFloat16(-1e-30)), -0)).toBe(true);
  });
});

describe("mayBeNumpyPickle", () => {
  it("says yes to what the reference pickles, no to bytes that merely speak of it", () => {
    const arrays = goldens.filter(({ how, data }) => how === "dumps" && data);
    expect(arrays.length).toBeGreaterThan(100);
    for (const golden of arrays) expect(mayBeNumpyPickle(hex(golden.pickle))).toBe(true);
    expect(mayBeNumpyPickle(ascii("multiarray is a word"))).toBe(false);
    expect(mayBeNumpyPickle(ascii(`\x80${" ".repeat(30)}multiarray`))).toBe(false);
    expect(mayBeNumpyPickle(ascii(`\x80${" ".repeat(29)}multiarray`))).toBe(true);
    expect(mayBeNumpyPickle(new Uint8Array(0))).toBe(false);
  });
});
