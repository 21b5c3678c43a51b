import { crc32 as zlibCrc32 } from "node:zlib";
import { expect, it } from "vitest";
import { crc32, crc32Of } from "../src/crc32.js";

it("sums as zlib does, in one piece and in many", () => {
  // The check value that the catalogue of CRCs gives for CRC-32/ISO-HDLC.
  expect(crc32Of(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 3);
  for (const [from, to] of [
    [0, 0],
    [0, 1],
    [1, 8],
    [3, 11],
    [0, 5000],
    [13, 4999],
  ] as const) {
    const piece = bytes.subarray(from, to);
    const expected = zlibCrc32(piece);
    expect(crc32Of(piece)).toBe(expected);
    const pieces = crc32();
    for (let at = 0; at < piece.length; at += 7) pieces.update(piece.subarray(at, at + 7));
    expect(pieces.value()).toBe(expected);
  }
});
