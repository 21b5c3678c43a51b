import { PeekpackError } from "../errors.js";
import {
  FIELD_SIZE,
  HEADER_SIZE,
  type Header,
  headerFields,
  MAGIC,
  MAGIC_SIZE,
  type Protocol,
  soundHeader,
} from "./sound-header.js";

export { HEADER_SIZE, type Header, hasMagic, MAGIC, MAGIC_SIZE, type Protocol } from "./sound-header.js";

/** Writes an archive's header: 50 bytes. Both numbers are at most 2^53 − 1. */
export function encodeHeader({ protocol, tocStart, tocSize }: Header): Uint8Array {
  const header = new Uint8Array(HEADER_SIZE);
  header.set(MAGIC);
  field(header, MAGIC_SIZE, tocStart, protocol);
  field(header, MAGIC_SIZE + FIELD_SIZE, tocSize, protocol);
  return header;
}

/** One field: the shortest unsigned integer; msgpack puts it at the end of the 10 bytes, cbor at the start. */
function field(target: Uint8Array, at: number, value: number, protocol: Protocol): void {
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
 * Reads an archive's header from its first bytes. `size`, where known, is how many bytes there are from the archive's
 * start on; the data and the table must fit. `at` is where the archive starts, for messages.
 * @throws PeekpackError `not-an-archive`, `truncated`, `unfinished`, `corrupt`
 */
export function decodeHeader(bytes: Uint8Array, size?: number, at = 0): Header {
  const sound = soundHeader(bytes, size);
  if (sound !== undefined) return sound;
  const fail = (
    code: "not-an-archive" | "truncated" | "unfinished" | "corrupt",
    text: string,
  ): PeekpackError => new PeekpackError(code, text, { section: "header", offset: at });
  if (MAGIC.some((byte, i) => i < bytes.length && bytes[i] !== byte)) {
    throw fail("not-an-archive", "This is not an archive: the magic is missing.");
  }
  if (bytes.length < HEADER_SIZE) {
    throw fail("truncated", `An archive's header takes ${HEADER_SIZE} bytes; there are ${bytes.length}.`);
  }
  if (bytes.subarray(MAGIC.length, HEADER_SIZE).every((byte) => byte === 0)) {
    throw fail("unfinished", "This archive was never finished: its header is blank.");
  }
  const [, tocStart, tocSize] = headerFields(bytes);
  if (tocStart === undefined || tocSize === undefined) {
    throw fail("corrupt", "The header's fields are not unsigned integers.");
  }
  if (tocStart === 0 || tocSize === 0) {
    throw fail("unfinished", "This archive was never finished: its header holds a zero.");
  }
  const end = HEADER_SIZE + tocStart + tocSize;
  if (!Number.isSafeInteger(end)) throw fail("corrupt", "The header's fields are beyond any real size.");
  throw fail("truncated", `The header announces ${end} bytes; there are ${size}.`);
}
