import { describe, expect, it } from "vitest";
import { encodeHeader } from "../src/format/header.js";
import {
  combineArchives,
  DEFAULT_LIMITS,
  encodeArchive,
  type Limits,
  memorySink,
  openArchive,
} from "../src/index.js";
import { failure } from "./outcome.js";

const CODECS = ["msgpack", "cbor"] as const;

/** An archive of given data and table. */
function assembled(codec: "msgpack" | "cbor", data: Uint8Array, toc: Uint8Array): Uint8Array {
  const header = encodeHeader({ protocol: codec, tocStart: data.length, tocSize: toc.length });
  return new Uint8Array(Buffer.concat([header, data, toc]));
}

const read = async (bytes: Uint8Array, limits: Partial<Limits>, path = ""): Promise<unknown> =>
  failure(async () => (await openArchive(bytes, { limits })).read(path));

describe.each(CODECS)("limits in %s: each holds, and is adjustable", (codec) => {
  it("maxDepth", async () => {
    let value: unknown = 1;
    for (let i = 0; i < 10; i++) value = i % 2 ? [value] : { k: value };
    const bytes = encodeArchive(value, { codec });
    expect(await read(bytes, { maxDepth: 9 })).toBe("limit");
    expect(await read(bytes, { maxDepth: 10 })).toBe("no error");
  });

  it("maxDepth of a table: as deep as the values it stands for", async () => {
    let value: unknown = "x".repeat(30);
    for (let i = 0; i < 10; i++) value = i % 2 ? [value] : { k: value };
    const bytes = encodeArchive(value, { codec, smallObjectThreshold: 0 });
    expect(await read(bytes, { maxDepth: 10 })).toBe("no error");
    expect(await failure(openArchive(bytes, { limits: { maxDepth: 3 } }))).toBe("limit");
  });

  it("maxItems of one value, whatever the table holds", async () => {
    const bytes = encodeArchive(
      { a: Array(50).fill(0), b: [1, 2, [3, 4]] },
      { codec, smallObjectThreshold: 10 },
    );
    expect(await read(bytes, { maxItems: 20 }, "a")).toBe("limit");
    expect(await read(bytes, { maxItems: 20 }, "b")).toBe("no error");
    expect(await read(bytes, { maxItems: 100 }, "a")).toBe("no error");
  });

  it("maxKeyBytes", async () => {
    const bytes = encodeArchive(
      { short: { ["k".repeat(30)]: 1 }, other: "x".repeat(40) },
      { codec, smallObjectThreshold: 60 },
    );
    expect(await read(bytes, { maxKeyBytes: 29 }, "short")).toBe("limit");
    expect(await read(bytes, { maxKeyBytes: 30 }, "short")).toBe("no error");
    const inTable = encodeArchive({ ["k".repeat(30)]: "x".repeat(40) }, { codec, smallObjectThreshold: 0 });
    expect(await failure(openArchive(inTable, { limits: { maxKeyBytes: 29 } }))).toBe("limit");
  });

  it("maxValueBytes of a value or a block; a list of small blocks may be walked whatever its size", async () => {
    const list = Array.from({ length: 2000 }, (_, i) => i);
    const bytes = encodeArchive({ text: "x".repeat(500), list }, { codec, smallObjectThreshold: 100 });
    const archive = await openArchive(bytes, { limits: { maxValueBytes: 400 } });
    expect(await failure(archive.read("text"))).toBe("limit");
    expect(await failure(archive.raw("text/0").getReader().read())).toBe("limit");
    expect(await archive.read("list/-1")).toBe(1999);
    expect((await archive.entries("list").toArray()).map(([, item]) => item)).toEqual(list);
    const lazy = (await archive.get("list")) as { toTypedArray(type: "int32"): Promise<Int32Array> };
    expect([...(await lazy.toTypedArray("int32"))]).toEqual(list);
    expect(await failure(archive.read("list"))).toBe("limit");
    expect(await read(bytes, { maxValueBytes: 503 }, "text")).toBe("no error");
  });

  it("maxTocBytes, before the table is fetched", async () => {
    const bytes = encodeArchive({ a: "x".repeat(40), b: "x".repeat(40) }, { codec, smallObjectThreshold: 0 });
    const { tocBytes } = (await openArchive(bytes)).info;
    expect(await failure(openArchive(bytes, { limits: { maxTocBytes: tocBytes - 1 } }))).toBe("limit");
    expect(await failure(openArchive(bytes, { limits: { maxTocBytes: tocBytes } }))).toBe("no error");
    const sink = memorySink();
    await combineArchives(sink, [{ name: "c", source: bytes }], { codec });
    expect(await read(sink.bytes(), { maxTocBytes: tocBytes - 1 })).toBe("limit");
  });

  it("maxArchiveDepth", async () => {
    let bytes = encodeArchive("innermost", { codec });
    for (let i = 0; i < 5; i++) {
      const sink = memorySink();
      await combineArchives(sink, [{ source: bytes }], { codec });
      bytes = sink.bytes();
    }
    expect(await read(bytes, { maxArchiveDepth: 4 })).toBe("limit");
    expect(await read(bytes, { maxArchiveDepth: 4 }, "0/0/0")).toBe("limit");
    expect(await read(bytes, { maxArchiveDepth: 5 })).toBe("no error");
  });

  it("children that lie over each other are not multiplied", async () => {
    // Ten levels of ten times the same child would be ten thousand million values.
    let bytes = encodeArchive("x", { codec });
    const offsets = Uint8Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 10; i++) {
      const toc =
        codec === "msgpack"
          ? Uint8Array.of(0x81, 0xa1, 0x74, 0x9a, ...offsets)
          : Uint8Array.of(0xa1, 0x61, 0x74, 0x8a, ...offsets);
      bytes = assembled(codec, bytes, toc);
    }
    const archive = await openArchive(bytes);
    expect(await archive.read("0/1/2/3/4/5/6/7/8/9")).toBe("x");
    expect(await failure(archive.read())).toBe("corrupt");
  });
});

it("rejects limits that are not positive integers with RangeError, and has the documented defaults", async () => {
  const bytes = encodeArchive(1);
  for (const name of Object.keys(DEFAULT_LIMITS)) {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5"]) {
      expect(await failure(openArchive(bytes, { limits: { [name]: value } }))).toBeInstanceOf(RangeError);
    }
    expect(await failure(openArchive(bytes, { limits: { [name]: undefined } }))).toBe("no error");
  }
  expect(DEFAULT_LIMITS).toEqual({
    maxDepth: 1000,
    maxArchiveDepth: 64,
    maxTocBytes: 2 ** 30,
    maxItems: 2 ** 28,
    maxKeyBytes: 2 ** 20,
    maxValueBytes: 2 ** 31 - 1,
    maxHeapBytes: 2 ** 31,
  });
});

it("rejects sizes and offsets that are not integers of at least 0 with RangeError", async () => {
  const bytes = encodeArchive(1);
  for (const name of ["offset", "size", "headBytes", "tailBytes", "tocCacheBytes"]) {
    for (const value of [-1, 1.5, Number.NaN]) {
      expect(await failure(openArchive(bytes, { [name]: value })), name).toBeInstanceOf(RangeError);
    }
  }
});
