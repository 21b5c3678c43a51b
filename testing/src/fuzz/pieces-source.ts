import type { RangeSource } from "@peekpack/core";
import { checkRanges } from "@peekpack/core/internal";

/** A source over consecutive pieces that is read as a remote one. */
export function piecesSource(pieces: readonly Uint8Array[]): RangeSource {
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const piece = (start: number, end: number): Uint8Array => {
    const bytes = new Uint8Array(end - start);
    let at = 0;
    for (const part of pieces) {
      const from = Math.max(start, at);
      const to = Math.min(end, at + part.length);
      if (from < to) bytes.set(part.subarray(from - at, to - at), from - start);
      at += part.length;
    }
    return bytes;
  };
  return {
    label: "mutated",
    async probe({ head, tail, longTail }) {
      const first = piece(0, Math.min(head, size));
      const last = Math.max(tail, longTail?.wanted(first, size) ?? 0);
      return { size, head: first, tail: piece(Math.max(0, size - last), size) };
    },
    async read(ranges) {
      checkRanges("mutated", ranges, size);
      return ranges.map(({ start, end }) => piece(start, end));
    },
  };
}
