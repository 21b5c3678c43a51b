import { PeekpackError } from "../errors.js";

/** Length of the magic in bytes. */
const MAGIC_SIZE = 30;
/** Length of the header in bytes: the magic and two fields. Every position in a table counts from its end. */
export const HEADER_SIZE = 50;
/** Length of one field in bytes. */
const FIELD_SIZE = 10;

/** The magic: 20 zero bytes, then `msglc-2024` in ASCII. */
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

/** Writes an archive's header: 50 bytes. Both numbers are at most 2^53 − 1. */
export function encodeHeader({ protocol, tocStart, tocSize }: Header): Uint8Array {
  const header = new Uint8Array(HEADER_SIZE);
  header.set(MAGIC);
  writeField(header, MAGIC_SIZE, tocStart, protocol);
  writeField(header, MAGIC_SIZE + FIELD_SIZE, tocSize, protocol);
  return header;
}

/** Writes one field: the shortest unsigned integer. MessagePack puts it at the end of the 10 bytes, CBOR at the start. */
function writeField(target: Uint8Array, at: number, value: number, protocol: Protocol): void {
  const cbor = protocol === "cbor";
  const width =
    value < (cbor ? 24 : 0x80) ? 0 : value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 2 ** 32 ? 4 : 8;
  const start = cbor ? at : at + FIELD_SIZE - 1 - width;
  if (width === 0) {
    target[start] = value;
    return;
  }
  target[start] = (cbor ? 0x18 : 0xcc) + Math.log2(width);
  for (let i = width, rest = value; i > 0; i--, rest = Math.floor(rest / 0x100))
    target[start + i] = rest % 0x100;
}

/**
 * Reads an archive's header from its first bytes.
 * @param size how many bytes there are from the archive's start on, if known: data and table must fit
 * @param at where the archive starts, for messages
 * @throws PeekpackError `not-an-archive`, `truncated`, `unfinished`, `corrupt`
 */
export function decodeHeader(bytes: Uint8Array, size?: number, at = 0): Header {
  const fail = (
    code: "not-an-archive" | "truncated" | "unfinished" | "corrupt",
    text: string,
  ): PeekpackError => new PeekpackError(code, text, { section: "header", offset: at });
  if (bytes.length === 0 || MAGIC.some((byte, i) => i < bytes.length && bytes[i] !== byte)) {
    // How frames of Zstandard begin, and skippable frames.
    const compressed = [0xb52f, 0x2a4d].includes((bytes[1]! << 8) | bytes[2]!);
    const why = compressed ? "it is compressed; @peekpack/zstd opens it" : "the magic is missing";
    throw fail("not-an-archive", `This is not an archive: ${why}.`);
  }
  if (bytes.length < HEADER_SIZE) {
    throw fail("truncated", `An archive's header takes ${HEADER_SIZE} bytes; there are ${bytes.length}.`);
  }
  // A blank header has two zeros.
  const protocol = bytes[MAGIC_SIZE] === 0 ? "msgpack" : "cbor";
  const readField = protocol === "cbor" ? cborField : msgpackField;
  const tocStart = readField(bytes, MAGIC_SIZE);
  const tocSize = readField(bytes, MAGIC_SIZE + FIELD_SIZE);
  if (tocStart === undefined || tocSize === undefined) {
    throw fail("corrupt", "The header's fields are not unsigned integers.");
  }
  if (tocStart === 0 || tocSize === 0) {
    throw fail("unfinished", "This archive was never finished: its header holds a zero.");
  }
  const end = HEADER_SIZE + tocStart + tocSize;
  if (!Number.isSafeInteger(end)) throw fail("corrupt", "The header's fields are beyond any real size.");
  if (size !== undefined && end > size) {
    throw fail("truncated", `The header announces ${end} bytes; there are ${size}.`);
  }
  return { protocol, tocStart, tocSize };
}

/** Reads an unsigned integer of `width` bytes as a number. Beyond 2^53 it is inexact; the sum check refuses it. */
function unsigned(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 0x100 + bytes[at + i]!;
  return value;
}

function msgpackField(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  const end = start + FIELD_SIZE;
  // Leading zeros are padding. A field of zeros only is the integer 0 itself.
  while (at < end - 1 && bytes[at] === 0) at++;
  const type = bytes[at]!;
  if (type < 0x80) return at === end - 1 ? type : undefined;
  // cc … cf are unsigned, d0 … d3 signed, each of 1, 2, 4 or 8 bytes.
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
