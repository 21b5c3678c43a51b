import { randomBytes } from "node:crypto";
import { Zstd } from "@hpcc-js/wasm-zstd";
import { encodeArchive } from "@peekpack/core";
import { seeded } from "@peekpack/testing/contracts/range-source";
import { beforeAll, describe, expect, it } from "vitest";
import { frameDecoder } from "../src/frame-decoder.js";
import { decodeFrameHeader } from "../src/frame-header.js";
import { sample } from "./compressed.js";

const random = seeded(5);
const below = (limit: number): number => Math.floor(random() * limit);
const bytes = (length: number, next: () => number): Uint8Array => Uint8Array.from({ length }, next);
const archive = encodeArchive(sample(3000));

/** Content that makes the encoder use every kind of block, of literals and of tables. */
const contents: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", new Uint8Array(0)],
  ["one byte", new Uint8Array(1)],
  ["one byte, repeated over several blocks", new Uint8Array(400_000).fill(7)],
  ["random bytes", new Uint8Array(randomBytes(200_000))],
  ["two symbols", bytes(50_000, () => below(2))],
  ["seven symbols", bytes(50_000, () => below(7))],
  ["few skewed symbols", bytes(300, () => Math.floor(-Math.log(random()) * 8) & 255)],
  ["all symbols, skewed", bytes(300_000, () => Math.floor(-Math.log(random() + 1e-9) * 8) & 255)],
  ["a program", Uint8Array.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + below(3)) & 255))],
  [
    "a period longer than a block",
    Uint8Array.from({ length: 500_000 }, (_, i) => ((i % 150_000) * 2654435761) >>> 24),
  ],
  ["an archive", archive],
  ...Array.from({ length: 12 }, (_, i): readonly [string, Uint8Array] => {
    const start = below(archive.length);
    return [`piece ${i} of an archive`, archive.subarray(start, start + below(200_000))];
  }),
];

describe("the decoder in JavaScript", () => {
  let zstd: Zstd;
  beforeAll(async () => {
    zstd = await Zstd.load();
  });

  it.each(contents)("decodes %s, compressed at low and high levels", (_, content) => {
    const decode = frameDecoder();
    for (const level of [-5, 1, 3, 5, 9, 13, 19]) {
      const frame = zstd.compress(content, level).slice();
      const header = decodeFrameHeader(frame);
      expect(header.contentSize).toBe(content.length);
      const decoded = decode(frame, header, content.length);
      expect(Buffer.compare(decoded, content), `level ${level}`).toBe(0);
    }
  });

  it("decodes frames of a stream, which declare a window but no size", () => {
    zstd.reset();
    zstd.setCompressionLevel(3);
    const first = zstd.compressChunk(archive).slice();
    const last = zstd.compressEnd().slice();
    const frame = Uint8Array.from([...first, ...last]);
    const header = decodeFrameHeader(frame);
    expect(header.contentSize).toBeUndefined();
    expect(Buffer.compare(frameDecoder()(frame, header, archive.length), archive)).toBe(0);
  });
});
