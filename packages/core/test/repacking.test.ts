import { describe, expect, it } from "vitest";
import { encodeHeader } from "../src/format/header.js";
import {
  combineArchives,
  Ext,
  encodeArchive,
  LazyList,
  memorySink,
  openArchive,
  Tagged,
  Timestamp,
  writeArchive,
} from "../src/index.js";
import { firstDifference } from "./bytes.js";
import { observedSource } from "./observed-source.js";
import { failure } from "./outcome.js";

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));

/** An archive of one value, given by its encoded bytes. */
function leafArchive(codec: "msgpack" | "cbor", data: Uint8Array): Uint8Array {
  const toc =
    codec === "msgpack"
      ? Uint8Array.of(0x81, 0xa1, 0x70, 0x92, 0, 0xcd, data.length >> 8, data.length & 255)
      : Uint8Array.of(0xa1, 0x61, 0x70, 0x82, 0, 0x19, data.length >> 8, data.length & 255);
  const header = encodeHeader({ protocol: codec, tocStart: data.length, tocSize: toc.length });
  return new Uint8Array(Buffer.concat([header, data, toc]));
}

async function repacked(bytes: Uint8Array, codec: "msgpack" | "cbor"): Promise<string> {
  const sink = memorySink();
  await writeArchive(sink, await openArchive(bytes), { codec });
  const again = sink.bytes();
  const { dataBytes } = (await openArchive(again)).info;
  return Buffer.from(again.subarray(50, 50 + dataBytes)).toString("hex");
}

describe("repacking encodes values canonically without changing them", () => {
  it.each([
    [
      "integers in longer forms",
      "msgpack",
      "94 cc01 d30000000000000002 d0ff cf00000000000000ff",
      "94 01 02 ff ccff",
    ],
    ["a single float", "msgpack", "91 ca3f800000", "91 cb3ff0000000000000"],
    [
      "lengths in longer forms",
      "msgpack",
      "dd00000001 df00000001 db00000001 61 c6000000010a",
      "91 81 a161 c4010a",
    ],
    ["half and single floats", "cbor", "82 f93c00 fa3f800000", "82 fb3ff0000000000000 fb3ff0000000000000"],
    [
      "indefinite lengths",
      "cbor",
      "9f 9f01ff bf6161 9fffff 7f6161ff 5f420102ff ff",
      "84 8101 a161 6180 6161 420102",
    ],
    [
      "an unknown tag, and floats under it",
      "cbor",
      "d903e8 82 fb4000000000000000 f93c00",
      "d903e8 82 fb4000000000000000 fb3ff0000000000000",
    ],
    ["a tag of a tag, in a longer form", "cbor", "d8ff da00000400 9f01ff", "d8ff d90400 8101"],
    ["a tag of 64 bits", "cbor", "db0fffffffffffffff 01", "db0fffffffffffffff 01"],
    ["a set becomes a list", "cbor", "d90102 83 03 01 02", "83 01 02 03"],
    [
      "seconds since 1970 become a date string",
      "cbor",
      "c1 00",
      "c0 74 313937302d30312d30315430303a30303a30305a",
    ],
    ["a key of another type, in a longer form", "cbor", "a1 1801 f5", "a1 01 f5"],
  ] as const)("%s", async (_, codec, given, expected) => {
    expect(await repacked(leafArchive(codec, bytesOf(given)), codec)).toBe(expected.replaceAll(" ", ""));
  });

  it.each([
    ["msgpack", "93 cb4000000000000000 02 ca3f800000", "83 fb4000000000000000 02 fb3ff0000000000000"],
    ["cbor", "83 fb4000000000000000 02 f97e00", "93 cb4000000000000000 02 cb7ff8000000000000"],
    ["msgpack", "d6ff00000000", "c074313937302d30312d30315430303a30303a30305a"],
    ["cbor", "c11a00000001", "d6ff00000001"],
  ] as const)("converts from %s to the other codec: %s", async (codec, given, expected) => {
    const other = codec === "msgpack" ? "cbor" : "msgpack";
    expect(await repacked(leafArchive(codec, bytesOf(given)), other)).toBe(expected.replaceAll(" ", ""));
  });

  it("rejects values that the other codec does not support", async () => {
    for (const [codec, value] of [
      ["msgpack", new Ext(5, Uint8Array.of(1))],
      ["cbor", new Tagged(1000, 1)],
      ["cbor", undefined],
      ["cbor", 2n ** 70n],
      ["msgpack", new Timestamp(2n ** 60n)],
    ] as const) {
      const archive = await openArchive(encodeArchive({ a: [value] }, { codec, smallObjectThreshold: 0 }));
      const other = codec === "msgpack" ? "cbor" : "msgpack";
      const writing = writeArchive(memorySink(), archive, { codec: other });
      await expect(writing).rejects.toMatchObject({ code: "unsupported-value", path: ["a", 0] });
    }
  });
});

it("turns a combined archive of small children into one leaf", async () => {
  const sink = memorySink();
  const children = Array.from({ length: 1500 }, (_, i) => ({ name: `child ${i}`, value: i }));
  await combineArchives(sink, children);
  const again = memorySink();
  await writeArchive(again, await openArchive(sink.bytes()));
  const plain = Object.fromEntries(children.map(({ name, value }) => [name, value]));
  expect(firstDifference(again.bytes(), encodeArchive(plain))).toBeUndefined();
});

it("accepts handles anywhere in a value, also many of one archive", async () => {
  const source = { list: Array.from({ length: 3000 }, (_, i) => i), map: { inner: ["x".repeat(9000)] } };
  const archive = await openArchive(observedSource(encodeArchive(source)));
  const list = (await archive.get("list")) as LazyList;
  expect(list).toBeInstanceOf(LazyList);
  const sink = memorySink();
  await writeArchive(sink, { first: [list, list], map: await archive.get("map"), all: archive });
  const plain = { first: [source.list, source.list], map: source.map, all: source };
  expect(firstDifference(sink.bytes(), encodeArchive(plain))).toBeUndefined();
});

it("detects damage in copied bytes", async () => {
  const bytes = encodeArchive(
    { text: "x".repeat(100), more: ["y".repeat(100)] },
    { smallObjectThreshold: 50 },
  );
  bytes[100] = 0xff;
  expect(await failure(writeArchive(memorySink(), await openArchive(bytes)))).toBe("corrupt");
});
