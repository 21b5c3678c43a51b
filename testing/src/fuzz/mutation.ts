import type { Random } from "./random.js";

const HEADER = 50;
/** Bytes at the borders of type ranges in MessagePack or CBOR. */
const TYPE_BYTES = [
  0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1f, 0x20, 0x3b, 0x40, 0x5b, 0x5f, 0x60, 0x7b, 0x7f, 0x80, 0x81,
  0x8f, 0x90, 0x9b, 0x9f, 0xa0, 0xbb, 0xbf, 0xc0, 0xc1, 0xc2, 0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xcd,
  0xce, 0xcf, 0xd3, 0xd4, 0xd7, 0xd8, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xf6, 0xf7, 0xf8, 0xf9, 0xfb, 0xfc,
  0xff,
];
const NUMBERS = [
  0n,
  1n,
  2n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/**
 * Applies one to four mutations to a copy of an archive. `other` supplies bytes to splice in. In most cases the header is
 * repaired afterwards, so that readers get past it.
 */
export function mutated(random: Random, original: Uint8Array, other: () => Uint8Array): Uint8Array {
  const times = random.pick([1, 1, 1, 2, 2, 3, 4]);
  const end = tableStart(original);
  if (original.length > HEADER && end > HEADER && random.chance(0.8)) {
    let data = original.slice(HEADER, end);
    let table = original.slice(end);
    for (let i = 0; i < times; i++) {
      if (random.chance(0.65)) data = mutateOnce(random, data, other);
      else table = mutateOnce(random, table, other);
    }
    const whole = joined(original.subarray(0, HEADER), data, table);
    setField(whole, 30, BigInt(data.length), 8);
    setField(whole, 40, BigInt(table.length), 8);
    return whole;
  }
  let bytes = Uint8Array.from(original);
  for (let i = 0; i < times; i++) bytes = mutateOnce(random, bytes, other);
  return bytes;
}

function mutateOnce(
  random: Random,
  bytes: Uint8Array<ArrayBuffer>,
  other: () => Uint8Array,
): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0) return bytes;
  switch (random.integer(0, 10)) {
    case 0: {
      const at = randomOffset(random, bytes);
      bytes[at] = bytes[at]! ^ (1 << random.integer(0, 7));
      return bytes;
    }
    case 1:
      bytes[randomOffset(random, bytes)] = random.integer(0, 255);
      return bytes;
    case 2:
      bytes[randomOffset(random, bytes)] = random.pick(TYPE_BYTES);
      return bytes;
    case 3:
      return bytes.slice(
        0,
        random.chance(0.5) ? bytes.length - random.integer(1, 8) : randomOffset(random, bytes),
      );
    case 4: {
      // Remove bytes in the middle.
      const at = randomOffset(random, bytes);
      return joined(bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 12)));
    }
    case 5: {
      const at = randomOffset(random, bytes);
      const more = random.chance(0.5)
        ? random.bytes(random.integer(1, 12))
        : Uint8Array.from({ length: random.integer(1, 12) }, () => random.pick(TYPE_BYTES));
      return joined(bytes.subarray(0, at), more, bytes.subarray(at));
    }
    case 6: {
      // Overwrite bytes with a piece of this or another archive.
      const from = random.chance(0.5) ? other() : bytes;
      const start = from.length === 0 ? 0 : random.integer(0, from.length - 1);
      const piece = from.slice(start, start + random.integer(1, 64));
      bytes.set(
        piece.subarray(0, bytes.length),
        Math.min(randomOffset(random, bytes), Math.max(0, bytes.length - piece.length)),
      );
      return bytes;
    }
    case 7:
      return field(random, bytes);
    default:
      return number(random, bytes);
  }
}

/** A random offset, biased towards header and table. */
function randomOffset(random: Random, bytes: Uint8Array): number {
  const last = bytes.length - 1;
  const kind = random.integer(0, 3);
  if (kind === 0) return random.integer(0, Math.min(HEADER + 20, last));
  if (kind === 1) return random.integer(tableStart(bytes), last);
  return random.integer(0, last);
}

/** The offset of the table according to the header. */
function tableStart(bytes: Uint8Array): number {
  if (bytes.length < HEADER) return 0;
  const cbor = bytes[30] !== 0;
  let at = 30;
  if (!cbor) while (at < 39 && bytes[at] === 0) at++;
  const head = bytes[at]!;
  const width = cbor ? (head < 24 ? 0 : 1 << (head - 24)) : head < 0x80 ? 0 : 1 << (head - 0xcc);
  let value = width === 0 ? head : 0;
  for (let i = 1; i <= Math.min(width, 8); i++) value = value * 256 + bytes[at + i]!;
  return Math.min(bytes.length - 1, HEADER + Math.max(0, value || 0));
}

/** Changes a number in the header. */
function field(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length < HEADER) return bytes;
  const start = random.pick([30, 40]);
  const near = BigInt(Math.max(0, bytes.length - HEADER + random.integer(-20, 20)));
  const value = random.pick([...NUMBERS, near, near, near]);
  setField(bytes, start, value, random.pick([1, 2, 4, 8]));
  return bytes;
}

/** Writes a header field as an integer of `width` bytes. */
function setField(bytes: Uint8Array, start: number, value: bigint, width: number): void {
  const cbor = bytes[30] !== 0;
  const digits = new Uint8Array(1 + width);
  digits[0] = (cbor ? 0x18 : 0xcc) + Math.log2(width);
  for (let i = width, rest = value; i > 0; i--, rest >>= 8n) digits[i] = Number(rest & 0xffn);
  bytes.fill(0, start, start + 10);
  bytes.set(digits, cbor ? start : start + 10 - digits.length);
}

/** Replaces an encoded integer, usually in the table. */
function number(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const start = random.chance(0.7) ? tableStart(bytes) : 0;
  const cbor = bytes[30] !== 0;
  const first = random.integer(start, bytes.length - 1);
  for (let at = first; at < bytes.length && at < first + 40; at++) {
    const type = bytes[at]!;
    const width = cbor
      ? type >= 0x18 && type <= 0x1b
        ? 1 << (type - 0x18)
        : 0
      : type >= 0xcc && type <= 0xcf
        ? 1 << (type - 0xcc)
        : 0;
    if (width === 0 || at + width >= bytes.length) continue;
    let value = 0n;
    for (let i = 1; i <= width; i++) value = (value << 8n) | BigInt(bytes[at + i]!);
    const now = random.pick([value + 1n, value - 1n, value + 9n, value * 2n, value / 2n, ...NUMBERS]);
    let rest = now < 0n ? 0n : now;
    for (let i = width; i > 0; i--, rest >>= 8n) bytes[at + i] = Number(rest & 0xffn);
    return bytes;
  }
  const type = bytes[first]!;
  bytes[first] = random.chance(0.5) ? type + 1 : type - 1;
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
