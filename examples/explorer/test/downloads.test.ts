import {
  bytesSource,
  encodeArchive,
  float64,
  type LazyList,
  NdArray,
  openArchive,
  type PathKey,
  type Value,
} from "@peekpack/core";
import { fromTagged, type TaggedJson, toTagged } from "@peekpack/core/tagged";
import { loadVectors } from "@peekpack/testing/fixtures";
import { tableFromIPC } from "@uwdata/flechette";
import { describe, expect, test } from "vitest";
import { copiedText } from "../src/download/copy-text.js";
import type { Destination } from "../src/download/destination.js";
import { type Downloaded, type Format, reservedBytes, writeDownload } from "../src/download/formats.js";
import { fileName } from "../src/download/save-blob.js";

const VECTORS = loadVectors();

/** A download in memory, as a browser would have it. */
async function download(
  downloaded: Downloaded | Value,
  format: Format["name"],
  { columns, codec = "msgpack" }: { columns?: string[]; codec?: "msgpack" | "cbor" } = {},
): Promise<{ bytes: Uint8Array; losses: ReadonlyMap<string, number> }> {
  const parts: Uint8Array[] = [];
  let head: Uint8Array | undefined;
  const to: Destination = {
    where: "memory",
    write: async (chunk) => void parts.push(chunk.slice()),
    finish: async (first) => {
      head = first;
    },
    abort: async () => void parts.splice(0),
  };
  const isOrder = typeof downloaded === "object" && downloaded !== null && "kind" in downloaded;
  const order = isOrder
    ? (downloaded as Downloaded)
    : ({ kind: "value", open: async () => downloaded as Value } as const);
  const { losses, bytes } = await writeDownload(order, format, to, {
    signal: new AbortController().signal,
    columns,
    codec,
    progress() {},
  });
  expect(bytes).toBe(parts.reduce((sum, { length }) => sum + length, 0));
  expect(head?.length ?? 0).toBe(reservedBytes(format));
  return { bytes: Buffer.concat(head === undefined ? parts : [head, ...parts]), losses };
}

const text = ({ bytes }: { bytes: Uint8Array }): string => new TextDecoder().decode(bytes);

describe.each(["msgpack", "cbor"] as const)("every kind of value, in %s", (codec) => {
  const values = VECTORS.filter((row) => row.codec === codec).map(({ value }) => fromTagged(value) as Value);

  test.each([
    ["tagged", 64],
    ["tagged", 8192],
    ["msglc", 64],
    ["msglc", 8192],
  ] as const)("is in a download (%s) what read gives, threshold %d", async (format, smallObjectThreshold) => {
    const archive = await openArchive(encodeArchive(values, { codec, smallObjectThreshold }));
    const expected = toTagged(await archive.read());
    const { bytes } = await download(
      { kind: "value", open: async () => (await archive.get()) as LazyList },
      format,
      { codec },
    );
    const found: TaggedJson =
      format === "tagged"
        ? JSON.parse(new TextDecoder().decode(bytes))
        : toTagged(await (await openArchive(bytes)).read());
    expect(found).toEqual(expected);
  });

  test("is copied whole, as JSON or in the tagged notation", async () => {
    const archive = await openArchive(encodeArchive(values, { codec }));
    const read = (await archive.read()) as Value[];
    for (const value of read) {
      const copied = await copiedText(value);
      if (typeof value === "string") expect(copied!.text).toBe(value);
      else if (copied!.as === " as JSON") expect(sameJson(JSON.parse(copied!.text), value)).toBe(true);
      else expect(JSON.parse(copied!.text)).toEqual(toTagged(value));
    }
  });
});

/** Whether JSON gives back a value: all of it, and nothing else. */
function sameJson(json: unknown, value: Value): boolean {
  return JSON.stringify(toTagged(json)) === JSON.stringify(toTagged(value));
}

describe("a download", () => {
  test("as plain JSON says what it could not keep", async () => {
    const { losses, bytes } = await download([new Date(0), new Date(1), 2n ** 70n, 1], "json");
    expect(losses).toEqual(
      new Map([
        ["instant", 2],
        ["integer", 1],
      ]),
    );
    expect(JSON.parse(new TextDecoder().decode(bytes))[3]).toBe(1);
  });

  test("as NDJSON and CSV has every row whole", async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) =>
      i < 5 ? { a: i, b: { c: ["x".repeat(3000)] } } : { a: i, b: null },
    );
    const archive = await openArchive(encodeArchive(rows));
    const open = async (): Promise<LazyList> => (await archive.get()) as LazyList;
    const lines = text(await download({ kind: "value", open }, "ndjson"))
      .trimEnd()
      .split("\n");
    expect(lines.length).toBe(30_000);
    expect(JSON.parse(lines[4]!)).toEqual(rows[4]);
    const csv = text(await download({ kind: "value", open }, "csv"))
      .trimEnd()
      .split("\r\n");
    expect(csv.length).toBe(30_001);
    expect(csv[0]).toBe("a,b");
    expect(csv[1]).toBe(`0,"{""c"":[""${"x".repeat(3000)}""]}"`);
    const column = text(await download({ kind: "value", open }, "csv", { columns: ["a"] }));
    expect(column.slice(0, 9)).toBe("a\r\n0\r\n1\r\n".slice(0, 9));
  });

  test("of matches has a column of paths that lead back", async () => {
    const matches: { path: PathKey[]; value: Value }[] = [
      { path: ["a/b", 0], value: { path: 1, x: "y" } },
      { path: ["c", 1], value: { path: 2, x: "z" } },
    ];
    const order: Downloaded = { kind: "matches", matches: () => matches };
    expect(text(await download(order, "csv"))).toBe("$path,path,x\r\n/a~1b/0,1,y\r\nc/1,2,z\r\n");
    expect(JSON.parse(text(await download(order, "json")))).toEqual([
      { path: "/a~1b/0", value: { path: 1, x: "y" } },
      { path: "c/1", value: { path: 2, x: "z" } },
    ]);
    const table = tableFromIPC((await download(order, "arrow")).bytes);
    expect(table.toArray()).toEqual([
      { $path: "/a~1b/0", path: 1, x: "y" },
      { $path: "c/1", path: 2, x: "z" },
    ]);
    const again = await openArchive((await download(order, "msglc")).bytes);
    expect(await again.read("1/value/x")).toBe("z");
  });

  test.each([
    ["floats", [1.5, -0, Number.NaN, 3], "<f8", "(4,)", Float64Array.of(1.5, -0, Number.NaN, 3)],
    [
      "nested lists",
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      "<f8",
      "(3, 2)",
      Float64Array.of(1, 2, 3, 4, 5, 6),
    ],
    ["wide integers", [1, 2n ** 62n], "<i8", "(2,)", BigInt64Array.of(1n, 2n ** 62n)],
    ["wider integers", [1, 2n ** 63n], "<u8", "(2,)", BigUint64Array.of(1n, 2n ** 63n)],
    ["an array", new NdArray(Int16Array.of(1, 2, 3, 4), [2, 2]), "<i2", "(2, 2)", Int16Array.of(1, 2, 3, 4)],
    ["a flag", new NdArray(Uint8Array.of(1, 0), [2], "bool"), "|b1", "(2,)", Uint8Array.of(1, 0)],
    ["nothing", [], "<f8", "(0,)", new Float64Array(0)],
  ] as const)("as NPY is a file of numpy: %s", async (_, value, type, shape, data) => {
    const { bytes } = await download(value as unknown as Value, "npy");
    const length = bytes[8]! + bytes[9]! * 256;
    expect((10 + length) % 64).toBe(0);
    const header = new TextDecoder("latin1").decode(bytes.subarray(10, 10 + length));
    expect(header).toMatch(/\n$/);
    expect(header.trimEnd()).toBe(`{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`);
    expect(Buffer.from(bytes.subarray(10 + length))).toEqual(Buffer.from(data.buffer));
  });

  test.each([
    ["texts", ["a"]],
    ["lists of other lengths", [[1, 2], [3]]],
    ["an integer that a float would round, after others", [...Array(20_000).fill(1), 2n ** 62n]],
    ["a fraction after integers", [...[2n ** 62n], 0.5]],
  ] as const)("as NPY refuses %s", async (_, value) => {
    const archive = await openArchive(encodeArchive(value as unknown as Value));
    await expect(
      download({ kind: "value", open: async () => (await archive.get()) as Value }, "npy"),
    ).rejects.toMatchObject({ code: "unsupported-value" });
  });

  test("as an archive keeps which numbers are floats, where the table describes them", async () => {
    const value = Array.from({ length: 3000 }, () => float64(1));
    const archive = await openArchive(bytesSource(encodeArchive({ value })));
    const open = async (): Promise<LazyList> => (await archive.get("value")) as LazyList;
    const { bytes } = await download({ kind: "value", open }, "msglc");
    expect(Buffer.from(bytes).equals(Buffer.from(encodeArchive(value)))).toBe(true);
  });
});

test("a file's name has nothing that file systems refuse, or that hides its end", () => {
  expect(["a/b\\c:d", "..", "x\u202egnp.exe", "ü ", ""].map(fileName)).toEqual([
    "a_b_c_d",
    "download",
    "x_gnp.exe",
    "ü",
    "download",
  ]);
});
