import { indexParts, repairChecksums } from "./index-checksums.js";
import type { Random } from "./random.js";

const FOOTER = 64;
/** Fields of a node record: offset and width in bytes. */
const RECORD_FIELDS = [
  [0, 8],
  [8, 8],
  [16, 8],
  [24, 8],
  [32, 8],
  [40, 8],
  [48, 8],
  [56, 8],
  [64, 8],
  [72, 4],
  [76, 4],
  [80, 2],
  [82, 1],
  [84, 4],
  [88, 4],
] as const;
/** Fields of the root block, the first entries of its directory among them. */
const ROOT_FIELDS = [
  [0, 4],
  [4, 4],
  [8, 8],
  [16, 8],
  [24, 4],
  [32, 4],
  [36, 4],
  [40, 4],
  [44, 4],
  [48, 4],
] as const;
const PAGE_FIELDS = [
  [0, 4],
  [4, 4],
  [8, 8],
  [16, 8],
  [24, 4],
  [28, 4],
] as const;
const FOOTER_FIELDS = [
  [8, 2],
  [10, 2],
  [16, 8],
  [24, 8],
  [32, 8],
  [40, 8],
  [48, 4],
  [52, 8],
] as const;

/** Kinds of mutations where the checksums are made right again: records more often than any byte. */
const HOSTILE_KINDS = [2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12] as const;

/** A mutated page index. */
export interface MutatedIndex {
  readonly bytes: Uint8Array;
  /** Whether its checksums were made right again: a hostile index, not a damaged one. */
  readonly repaired: boolean;
}

/**
 * Applies one to three mutations to a copy of a page index. In a part of the cases the checksums are made right again.
 * @param other another index, to splice in
 * @param table the table of the archive
 */
export function mutatedIndex(
  random: Random,
  index: Uint8Array,
  other: Uint8Array,
  table: Uint8Array,
): MutatedIndex {
  const repaired = random.chance(0.6);
  let bytes = Uint8Array.from(index);
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left--) {
    // Without repair the root block's checksum finds most mutations, and the index is ignored: rarely worth a case.
    const kind = repaired || random.chance(0.2) ? random.pick(HOSTILE_KINDS) : random.pick([0, 1, 2, 8, 9]);
    bytes = mutateOnce(random, bytes, other, kind);
  }
  if (repaired) repairChecksums(bytes, table);
  return { bytes, repaired };
}

function mutateOnce(
  random: Random,
  bytes: Uint8Array<ArrayBuffer>,
  other: Uint8Array,
  kind: number,
): Uint8Array<ArrayBuffer> {
  if (bytes.length < FOOTER) return bytes;
  const parts = indexParts(bytes);
  const footer = bytes.length - FOOTER;
  const record = parts.records.length === 0 ? undefined : random.pick(parts.records);
  switch (kind) {
    case 0:
    case 1:
    case 2: {
      // Any byte; sometimes one of the root block or the footer.
      const start = random.chance(0.1) ? parts.rootStart : 0;
      bytes[random.integer(start, bytes.length - 1)]! ^= random.integer(1, 255);
      return bytes;
    }
    case 3:
      if (random.chance(0.5)) change(random, bytes, footer, random.pick(FOOTER_FIELDS));
      else if (parts.rootSize > 0) change(random, bytes, parts.rootStart, random.pick(ROOT_FIELDS));
      return bytes;
    case 4:
    case 5:
      if (record !== undefined) change(random, bytes, record.at, random.pick(RECORD_FIELDS));
      return bytes;
    case 6:
    case 7:
      if (record !== undefined && record.pages.length > 0) {
        change(random, bytes, random.pick(record.pages), random.pick(PAGE_FIELDS));
      }
      return bytes;
    case 8:
    case 9:
      // A hash, or the page that it leads to.
      if (parts.hashCount > 0) {
        const entry = random.integer(0, parts.hashCount - 1);
        const at = parts.hashStart + entry * 8 + Math.floor(entry / 511) * 8 + random.pick([0, 4]);
        if (at + 4 <= footer) change(random, bytes, at, [0, 4]);
      }
      return bytes;
    case 10: {
      // Two pages are swapped.
      if (record === undefined || record.pages.length < 2) return bytes;
      const one = random.pick(record.pages);
      const two = random.pick(record.pages);
      const kept = bytes.slice(one, one + 32);
      bytes.copyWithin(one, two, two + 32);
      bytes.set(kept, two);
      return bytes;
    }
    case 11: {
      // What an interrupted append leaves: other bytes over the beginning, and the old end.
      const length = random.integer(1, Math.max(1, footer));
      for (let at = 0; at < length; at++) bytes[at] = other[at % other.length]!;
      return bytes;
    }
    default:
      return random.chance(0.5)
        ? bytes.slice(0, random.integer(0, bytes.length - 1))
        : bytes.slice(random.integer(1, Math.min(bytes.length - 1, 4096)));
  }
}

/** Changes a field: by a little, to another field's value, or to an extreme. */
function change(
  random: Random,
  bytes: Uint8Array,
  base: number,
  [offset, width]: readonly [number, number],
): void {
  const at = base + offset;
  if (at + width > bytes.length) return;
  let value = 0n;
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
  const all = 2n ** BigInt(width * 8) - 1n;
  let rest =
    random.pick([
      value + 1n,
      value - 1n,
      value + 8n,
      value - 8n,
      value + BigInt(random.integer(-9000, 9000)),
      value * 2n,
      value / 2n,
      value ^ (1n << BigInt(random.integer(0, width * 8 - 1))),
      0n,
      all,
      2n ** 31n,
      BigInt(bytes.length),
    ]) & all;
  for (let i = 0; i < width; i++, rest >>= 8n) bytes[at + i] = Number(rest & 0xffn);
}
