/** Length of the magic in bytes. */
export const MAGIC_SIZE = 30;
/** Length of magic and both fields: the data begins here, and every position in the table counts from here. */
export const HEADER_SIZE = 50;
/** Length of one field in bytes. */
export const FIELD_SIZE = 10;

/** The magic: `msglc-2024` in ASCII behind 20 zero bytes. */
export const MAGIC: Uint8Array = Uint8Array.from(`${"\0".repeat(20)}msglc-2024`, (character) =>
  character.charCodeAt(0),
);

/** The two codecs that an archive may be written in. */
export type Protocol = "msgpack" | "cbor";

/** What an archive's first 50 bytes say. */
export interface Header {
  readonly protocol: Protocol;
  /** Where the table of contents starts, in bytes from the end of the header: the length of the data. */
  readonly tocStart: number;
  /** Length of the table of contents in bytes. */
  readonly tocSize: number;
}

/** Whether `bytes` begin with the magic. */
export function hasMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** The two fields of a header, undefined where one is no unsigned integer. */
export function headerFields(bytes: Uint8Array): readonly [protocol: Protocol, ...(number | undefined)[]] {
  const protocol = bytes[MAGIC_SIZE] === 0 ? "msgpack" : "cbor";
  const read = protocol === "cbor" ? cborField : msgpackField;
  return [protocol, read(bytes, MAGIC_SIZE), read(bytes, MAGIC_SIZE + FIELD_SIZE)];
}

/** Reads a header as `decodeHeader` does; undefined where there is anything wrong with it. */
export function soundHeader(bytes: Uint8Array, size: number = Number.MAX_SAFE_INTEGER): Header | undefined {
  if (bytes.length < HEADER_SIZE || !hasMagic(bytes)) return undefined;
  const [protocol, tocStart, tocSize] = headerFields(bytes);
  return tocStart && tocSize && HEADER_SIZE + tocStart + tocSize <= size
    ? { protocol, tocStart, tocSize }
    : undefined;
}

/** An unsigned integer of `width` bytes as a number: beyond 2^53 it is inexact, and refused by the sum check. */
function unsigned(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 0x100 + bytes[at + i]!;
  return value;
}

function msgpackField(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  const end = start + FIELD_SIZE;
  // Zeros fill up the front. A field of zeros only is the integer 0 itself.
  while (at < end - 1 && bytes[at] === 0) at++;
  const type = bytes[at]!;
  if (type < 0x80) return at === end - 1 ? type : undefined;
  // cc … cf: unsigned, d0 … d3: signed; both of 1, 2, 4 or 8 bytes.
  if (type < 0xcc || type > 0xd3) return undefined;
  const width = 1 << ((type - 0xcc) & 3);
  if (at + 1 + width !== end) return undefined;
  if (type >= 0xd0 && bytes[at + 1]! >= 0x80) return undefined;
  return unsigned(bytes, at + 1, width);
}

/** The reference ignores what follows the integer inside the field, and so does this. */
function cborField(bytes: Uint8Array, at: number): number | undefined {
  const type = bytes[at]!;
  if (type < 24) return type;
  if (type > 27) return undefined;
  return unsigned(bytes, at + 1, 1 << (type - 24));
}
