import { readFseTable } from "./fse.js";
import { damaged } from "./zstd-error.js";

/** The longest code in bits (RFC 8878, 4.2.1). */
const MAX_BITS = 11;

/** A decoding table: for the next `bits` bits of a stream, the length of the code in bits 8–15 and the symbol in bits 0–7. */
export interface HuffmanTable {
  readonly entries: Uint16Array;
  readonly bits: number;
}

/**
 * Reads the description of a Huffman tree (RFC 8878, 4.2.1).
 * @param end where the bytes of the literals end
 * @returns the table, and the offset of the first byte after the description
 * @throws PeekpackError `corrupt`
 */
export function readHuffmanTable(
  view: DataView,
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly table: HuffmanTable; readonly end: number } {
  const header = bytes[start]!;
  const weights = new Uint8Array(256);
  let count: number;
  let next = start + 1;
  if (header >= 128) {
    count = header - 127;
    next += (count + 1) >> 1;
    if (next > end) throw damaged();
    for (let i = 0; i < count; i++) {
      const byte = bytes[start + 1 + (i >> 1)]!;
      weights[i] = i & 1 ? byte & 15 : byte >> 4;
    }
  } else {
    next += header;
    if (next > end) throw damaged();
    count = readWeights(view, bytes, start + 1, next, weights);
  }
  let sum = 0;
  for (let i = 0; i < count; i++) {
    if (weights[i]! > MAX_BITS) throw damaged();
    sum += (1 << weights[i]!) >> 1;
  }
  const bits = 32 - Math.clz32(sum);
  // The weight of the last symbol completes the sum to a power of two.
  const rest = (1 << bits) - sum;
  if (sum === 0 || bits > MAX_BITS || (rest & (rest - 1)) !== 0) throw damaged();
  weights[count++] = 32 - Math.clz32(rest);
  const entries = new Uint16Array(1 << bits);
  let at = 0;
  for (let weight = 1; weight <= bits; weight++) {
    const length = (1 << weight) >> 1;
    for (let symbol = 0; symbol < count; symbol++) {
      if (weights[symbol] !== weight) continue;
      entries.fill(((bits + 1 - weight) << 8) | symbol, at, at + length);
      at += length;
    }
  }
  return { table: { entries, bits }, end: next };
}

/** Reads weights that are compressed by two interleaved states. Returns how many. @throws PeekpackError `corrupt` */
function readWeights(
  view: DataView,
  bytes: Uint8Array,
  start: number,
  end: number,
  weights: Uint8Array,
): number {
  const description = readFseTable(bytes.subarray(0, end), start, 6, MAX_BITS + 1);
  const { entries, log } = description.table;
  let at = streamBits(bytes, description.end, end);
  const first = description.end * 8;
  const read = (count: number): number => {
    at -= count;
    // Bits before the stream count as zeros.
    return at >= 0
      ? bitsAt(view, first + at, count)
      : (bitsAt(view, first, Math.max(0, count + at)) << -at) & ((1 << count) - 1);
  };
  const states = [read(log), read(log)];
  if (at < 0) throw damaged();
  for (let count = 0; count < 255; count++) {
    const entry = entries[states[count & 1]!]!;
    weights[count] = entry >>> 24;
    states[count & 1] = (entry & 0xffff) + read((entry >> 16) & 255);
    if (at >= 0) continue;
    if (count > 253) break;
    weights[count + 1] = entries[states[(count + 1) & 1]!]! >>> 24;
    return count + 2;
  }
  throw damaged();
}

/**
 * Decodes one stream of literals.
 * @param view of the frame, with at least 4 bytes more after `end`
 * @throws PeekpackError `corrupt`
 */
export function decodeHuffmanStream(
  view: DataView,
  bytes: Uint8Array,
  start: number,
  end: number,
  { entries, bits }: HuffmanTable,
  out: Uint8Array,
  outStart: number,
  outEnd: number,
): void {
  let at = streamBits(bytes, start, end);
  const first = start * 8;
  const mask = (1 << bits) - 1;
  let to = outStart;
  // 25 bits hold two codes, wherever they begin.
  const upper = 25 - bits;
  for (const last = outEnd - 1; to < last && at >= 25; ) {
    const from = first + at - 25;
    const word = view.getUint32(from >> 3, true) >>> (from & 7);
    const one = entries[(word >>> upper) & mask]!;
    const two = entries[(word >>> (upper - (one >> 8))) & mask]!;
    out[to++] = one;
    out[to++] = two;
    at -= (one >> 8) + (two >> 8);
  }
  while (to < outEnd) {
    const from = at - bits;
    const index =
      from >= 0
        ? bitsAt(view, first + from, bits)
        : (bitsAt(view, first, Math.max(0, at)) << Math.min(bits, -from)) & mask;
    const entry = entries[index]!;
    out[to++] = entry;
    at -= entry >> 8;
    if (at < 0) throw damaged();
  }
  if (at !== 0) throw damaged();
}

/** The number of bits of a stream that is read backward. Its last byte ends with a one. @throws PeekpackError `corrupt` */
export function streamBits(bytes: Uint8Array, start: number, end: number): number {
  const last = start < end ? bytes[end - 1]! : 0;
  if (last === 0) throw damaged();
  return (end - start) * 8 - Math.clz32(last) + 23;
}

/** Up to 25 bits at an offset in bits. */
function bitsAt(view: DataView, at: number, count: number): number {
  return (view.getUint32(at >> 3, true) >>> (at & 7)) & ((1 << count) - 1);
}
