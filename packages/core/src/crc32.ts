/** Bytes that are taken at a time. */
const SLICE = 16;

/**
 * Tables of the reflected polynomial 0xEDB88320, one after the other: table n holds what a byte adds that is followed by n
 * more. Signed, because engines keep unsigned 32-bit values as floats.
 */
const TABLES: Int32Array = /* @__PURE__ */ tables();

function tables(): Int32Array {
  const all = new Int32Array(SLICE * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    all[byte] = value;
  }
  for (let at = 256; at < all.length; at++) {
    const before = all[at - 256]!;
    all[at] = (before >>> 8) ^ all[before & 255]!;
  }
  return all;
}

/**
 * CRC-32 of bytes, as zlib computes it. Takes 16 bytes at a time, which is twice as fast as 8.
 * @param crc of the bytes before, to go on from. Default: none
 */
export function crc32(bytes: Uint8Array, crc = 0): number {
  const t = TABLES;
  let value = ~crc;
  let at = 0;
  for (const end = bytes.length - SLICE; at <= end; at += SLICE) {
    value =
      t[3840 + ((bytes[at]! ^ value) & 255)]! ^
      t[3584 + ((bytes[at + 1]! ^ (value >>> 8)) & 255)]! ^
      t[3328 + ((bytes[at + 2]! ^ (value >>> 16)) & 255)]! ^
      t[3072 + (bytes[at + 3]! ^ (value >>> 24))]! ^
      t[2816 + bytes[at + 4]!]! ^
      t[2560 + bytes[at + 5]!]! ^
      t[2304 + bytes[at + 6]!]! ^
      t[2048 + bytes[at + 7]!]! ^
      t[1792 + bytes[at + 8]!]! ^
      t[1536 + bytes[at + 9]!]! ^
      t[1280 + bytes[at + 10]!]! ^
      t[1024 + bytes[at + 11]!]! ^
      t[768 + bytes[at + 12]!]! ^
      t[512 + bytes[at + 13]!]! ^
      t[256 + bytes[at + 14]!]! ^
      t[bytes[at + 15]!]!;
  }
  for (; at < bytes.length; at++) value = (value >>> 8) ^ t[(value ^ bytes[at]!) & 255]!;
  return ~value >>> 0;
}
