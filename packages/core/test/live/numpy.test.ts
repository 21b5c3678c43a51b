import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { difference, fromTagged, type TaggedJson, toTagged } from "@peekpack/testing/fixtures";
import { Random, seedOfRun } from "@peekpack/testing/fuzz";
import { livePython, type MsglcPeer, runPython, skippedAsAbsent, startPeer } from "@peekpack/testing/python";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeArchive, encodeNumpyPickle, NdArray, type NdType, openArchive } from "../../src/index.js";
import { allocate } from "../../src/nd-array.js";
import { firstDifference } from "../bytes.js";

const live = await livePython();
const skipped = skippedAsAbsent("arrays against live numpy and msglc", live.absent);
const seed = seedOfRun();
const CODECS = ["msgpack", "cbor"] as const;
const TYPES: readonly NdType[] = [
  "bool",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "float16",
  "float32",
  "float64",
];

let directory: string;
let peer: MsglcPeer;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-live-numpy-"));
  if (!skipped) peer = await startPeer();
});
afterAll(async () => {
  await peer?.close();
  await rm(directory, { recursive: true });
});

function randomArray(random: Random, dtype: NdType, shape: readonly number[], finite: boolean): NdArray {
  const length = shape.reduce((product, n) => product * n, 1);
  const data = allocate(dtype, length);
  for (let i = 0; i < length; i++) {
    if (dtype === "bool") data[i] = random.integer(0, 1);
    else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      data[i] = BigInt(random.integer(-(2 ** 31), 2 ** 31)) * BigInt(random.integer(0, 2 ** 33));
    } else if (dtype === "float16") data[i] = random.integer(-2048, 2048) / 4;
    else if (dtype.startsWith("float")) {
      const odd = [0, -0, 1, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      data[i] = random.chance(0.1) ? odd[random.integer(0, finite ? 3 : 6)]! : (random.unit() - 0.5) * 1e6;
    } else data[i] = random.integer(-(2 ** 31), 2 ** 31);
  }
  return new NdArray(data, shape, dtype);
}

/** Shapes with innermost rows below, at and above the threshold. */
const shapes = (random: Random): number[] =>
  random.pick([
    [random.integer(0, 3000)],
    [random.integer(900, 920)],
    [3, random.integer(0, 40)],
    [random.integer(0, 6), 0],
    [2, 3, random.integer(1, 10)],
    [2, random.integer(1000, 1200)],
    [1, 1, 1, 2],
  ]);

describe.skipIf(skipped)(`random arrays (PEEKPACK_SEED=${seed})`, () => {
  for (const codec of CODECS) {
    for (const backend of ["python", "rust"] as const) {
      it(`writes rows to the same bytes as the ${backend} backend in ${codec}`, async () => {
        const random = new Random(seed);
        const target = { file: join(directory, `rows-${codec}-${backend}`) };
        for (let n = 0; n < 60; n++) {
          const dtype = n < TYPES.length ? TYPES[n]! : random.pick(TYPES);
          const threshold = random.pick([30, 90, 91, 100, 1000, 8192]);
          // The reference overwrites its own header if rows of CBOR floats differ in width.
          const array = randomArray(random, dtype, shapes(random), codec === "cbor");
          const value = { $map: [["array", toTagged(array)]] } as TaggedJson;
          await peer.write({ target, value, codec, backend, threshold });
          const theirs = new Uint8Array(await readFile(target.file));
          const ours = encodeArchive({ array }, { codec, profile: backend, smallObjectThreshold: threshold });
          expect(
            firstDifference(ours, theirs),
            `${dtype} ${array.shape}, threshold ${threshold}`,
          ).toBeUndefined();
          const read = await (await openArchive(theirs)).read("array");
          expect(read).toEqual(array.toNested());
        }
      });

      it(`writes pickles to the same bytes as the ${backend} backend in ${codec}, and both read arrays`, async () => {
        const random = new Random(seed + 1);
        const target = { file: join(directory, `pickle-${codec}-${backend}`) };
        for (let n = 0; n < 40; n++) {
          const dtype = n < TYPES.length ? TYPES[n]! : random.pick(TYPES);
          const array = randomArray(random, dtype, n % 9 === 0 ? [] : shapes(random), false);
          const value = [toTagged(array), { $map: [["inner", toTagged(array)]] }] as TaggedJson;
          await peer.write({ target, value, codec, backend, numpyEncoder: true });
          const theirs = new Uint8Array(await readFile(target.file));
          const ours = encodeArchive([array, { inner: array }], { codec, profile: backend, numpy: "pickle" });
          expect(firstDifference(ours, theirs), `${dtype} ${array.shape}`).toBeUndefined();
          const archive = await openArchive(theirs);
          expect(await archive.read()).toEqual([array, { inner: array }]);
          expect(await archive.read("1/inner")).toEqual(array);
          const plain = await openArchive(theirs, { numpy: false });
          expect(await plain.read("0")).toEqual(encodeNumpyPickle(array));

          // The reference decodes an array only if it is a whole leaf.
          await writeFile(target.file, encodeArchive(array, { codec, numpy: "pickle" }));
          const [whole] = await peer.read({ source: target, paths: [""], numpyEncoder: true });
          expect(difference(fromTagged(whole!.value), toTagged(array))).toBeUndefined();
        }
      });
    }
  }

  it("writes pickles that numpy loads", async () => {
    const random = new Random(seed + 2);
    const file = join(directory, "pickles.json");
    const arrays = Array.from({ length: 200 }, (_, n) =>
      randomArray(random, TYPES[n % TYPES.length]!, n % 17 === 0 ? [] : shapes(random), false),
    );
    const rows = arrays.map((array) => ({
      pickle: Buffer.from(encodeNumpyPickle(array)).toString("base64"),
      ...array,
      data: Buffer.from(array.data.buffer, array.data.byteOffset, array.data.byteLength).toString("base64"),
    }));
    await writeFile(file, JSON.stringify(rows));
    const script = `
import base64, json, pickle, sys
import numpy
checked = 0
for row in json.load(open(sys.argv[1])):
    array = pickle.loads(base64.b64decode(row["pickle"]))
    assert type(array) is numpy.ndarray, type(array)
    assert array.dtype.name == row["dtype"], (array.dtype.name, row["dtype"])
    assert list(array.shape) == row["shape"]
    wide = array.astype("float32") if row["dtype"] == "float16" else array
    assert wide.tobytes() == base64.b64decode(row["data"]), row["dtype"]
    checked += 1
print(checked)
`;
    expect((await runPython(script, { args: [file] })).trim()).toBe("200");
  });

  it("reads arrays with other memory layouts", async () => {
    const script = `
import base64, json
import numpy
random = numpy.random.default_rng(${seed})
rows = []
for dtype in ["bool", "int8", "<i2", ">i2", ">u4", ">i8", "<u8", ">f2", ">f4", ">f8", "<f8"]:
    base = (random.integers(0, 100, (6, 8)) - (0 if "u" in dtype or dtype == "bool" else 50)).astype(dtype)
    for name, array in {
        "C": base, "F": numpy.asfortranarray(base), "transposed": base.T, "strided": base[::2, 1::3],
        "reversed": base[::-1], "column": base[:, 2], "broadcast": numpy.broadcast_to(base[0], (3, 8)),
        "empty": base[:0], "scalar": numpy.array(base[0, 0]),
    }.items():
        rows.append({
            "name": f"{dtype} {name}", "dtype": array.dtype.name, "shape": list(array.shape),
            "values": array.tolist(), "pickle": base64.b64encode(array.dumps()).decode(),
        })
print(json.dumps(rows))
`;
    interface Row {
      readonly name: string;
      readonly dtype: string;
      readonly shape: number[];
      readonly values: unknown;
      readonly pickle: string;
    }
    const rows = JSON.parse(await runPython(script)) as Row[];
    expect(rows.length).toBe(99);
    for (const { name, dtype, shape, values, pickle } of rows) {
      const archive = await openArchive(
        encodeArchive({ pickle: new Uint8Array(Buffer.from(pickle, "base64")) }),
      );
      const array = (await archive.read("pickle")) as NdArray;
      expect(array, name).toBeInstanceOf(NdArray);
      expect({ dtype: array.dtype, shape: array.shape, values: array.toNested() }, name).toEqual({
        dtype,
        shape,
        values,
      });
    }
  });
});
