/** Takes bytes in pieces, and gives the CRC32 of all of them (polynomial 0x04C11DB7, as in zlib). */
export interface Crc32 {
  update(bytes: Uint8Array): void;
  /** Of what was taken so far, unsigned. */
  value(): number;
}

// Eight bytes a step: spools and caches run this on a page's own thread, where libraries that take one byte a step cost
// 7 ms a MiB.
const SLICES = 8;

/** Tables for slicing by eight, one behind the other (Kounavis and Berry, 2005). */
function makeTables(): Uint32Array {
  const tables = new Uint32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = (before >>> 8) ^ tables[before & 255]!;
  }
  return tables;
}

const TABLES: Uint32Array = /* @__PURE__ */ makeTables();

/** Begins a sum. */
export function crc32(): Crc32 {
  const t = TABLES;
  let crc = -1;
  return {
    update(bytes) {
      let c = crc;
      let i = 0;
      for (const end = bytes.length - (SLICES - 1); i < end; i += SLICES) {
        c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
        c =
          t[1792 + (c & 255)]! ^
          t[1536 + ((c >>> 8) & 255)]! ^
          t[1280 + ((c >>> 16) & 255)]! ^
          t[1024 + (c >>> 24)]! ^
          t[768 + bytes[i + 4]!]! ^
          t[512 + bytes[i + 5]!]! ^
          t[256 + bytes[i + 6]!]! ^
          t[bytes[i + 7]!]!;
      }
      for (; i < bytes.length; i++) c = (c >>> 8) ^ t[(c ^ bytes[i]!) & 255]!;
      crc = c;
    },
    value: () => ~crc >>> 0,
  };
}

/** CRC32 of bytes that are there in one piece. */
export function crc32Of(bytes: Uint8Array): number {
  const sum = crc32();
  sum.update(bytes);
  return sum.value();
}
