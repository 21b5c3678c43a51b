/** Positions and sizes beyond what 32 bits hold. */
import { describe, expect, it } from "vitest";
import { encodeHeader } from "../src/format/header.js";
import {
  encodeArchive,
  float64,
  LazyList,
  listOf,
  mapOf,
  openArchive,
  type RangeSource,
  writeArchive,
} from "../src/index.js";

const GiB = 2 ** 30;

/** An object of zeros, but for some pieces. */
function sparse(size: number, pieces: readonly (readonly [number, Uint8Array])[]): RangeSource {
  const read = (start: number, end: number): Uint8Array => {
    const bytes = new Uint8Array(end - start);
    for (const [at, piece] of pieces) {
      const from = Math.max(start, at);
      const to = Math.min(end, at + piece.length);
      if (from < to) bytes.set(piece.subarray(from - at, to - at), from - start);
    }
    return bytes;
  };
  return {
    label: "sparse",
    async probe({ head, tail }) {
      return { size, head: read(0, Math.min(head, size)), tail: read(Math.max(0, size - tail), size) };
    },
    async read(ranges) {
      return ranges.map(({ start, end }) => read(start, end));
    },
  };
}

describe.each(["msgpack", "cbor"] as const)("%s", (codec) => {
  it("reads an archive that starts beyond 16 GiB", async () => {
    const value = { a: ["x".repeat(100), 1], b: Array.from({ length: 900 }, (_, i) => i) };
    const bytes = encodeArchive(value, { codec, smallObjectThreshold: 50 });
    const offset = 17 * GiB + 3;
    const source = sparse(18 * GiB, [[offset, bytes]]);
    for (const size of [undefined, bytes.length, GiB]) {
      const archive = await openArchive(source, { offset, size });
      expect(await archive.read()).toEqual(value);
      const again = await openArchive(source, { index: archive.index() });
      expect(await again.read("b/-1")).toBe(899);
    }
  });

  it("reads values beyond 16 GiB of an archive", async () => {
    const at = 17 * GiB;
    const head = Buffer.from(codec === "msgpack" ? "81a17092cf" : "a16170821b", "hex");
    const toc = Buffer.alloc(head.length + 8 + 9);
    head.copy(toc);
    toc.writeBigUInt64BE(BigInt(at), head.length);
    toc[head.length + 8] = codec === "msgpack" ? 0xcf : 0x1b;
    toc.writeBigUInt64BE(BigInt(at + 3), head.length + 9);
    const header = encodeHeader({ protocol: codec, tocStart: at + 3, tocSize: toc.length });
    const data = Buffer.from(codec === "msgpack" ? "920102" : "820102", "hex");
    const size = 50 + at + 3 + toc.length;
    const archive = await openArchive(
      sparse(size, [
        [0, header],
        [50 + at, data],
        [50 + at + 3, toc],
      ]),
    );
    expect(archive.info).toMatchObject({ size, dataBytes: at + 3 });
    expect(await archive.read()).toEqual([1, 2]);
  });
});

it("writes more than 4 GiB, and what was written is read where it lies", async () => {
  const mark = new TextEncoder().encode("a mark in a desert of zeros");
  const desert = new Uint8Array(64 * 1024 * 1024);
  const pieces: [number, Uint8Array][] = [];
  let size = 50;
  const column = Array.from({ length: 2000 }, (_, i) => float64(i));
  function* entries(): Generator<[string, unknown]> {
    for (let i = 0; i < 66; i++) yield [`desert ${i}`, desert];
    yield ["mark", mark];
    yield ["list", listOf(column, { count: column.length })];
  }
  await writeArchive(
    {
      async write(chunk) {
        // Deserts are not kept.
        if (chunk.length < desert.length) pieces.push([size, chunk]);
        size += chunk.length;
      },
      async finish(header) {
        pieces.push([0, header]);
        return { size };
      },
      async abort() {},
    },
    mapOf(entries(), { count: 68 }),
  );
  expect(size).toBeGreaterThan(4 * GiB);
  const archive = await openArchive(sparse(size, pieces));
  expect(await archive.keys().toArray()).toHaveLength(68);
  expect(await archive.read("mark")).toEqual(mark);
  const list = (await archive.get("list")) as LazyList;
  expect(list).toBeInstanceOf(LazyList);
  expect([...(await list.toTypedArray("float64"))]).toEqual([...column.keys()]);
}, 120_000);
