import { PeekpackError } from "../errors.js";
import { HEADER_SIZE, type Header, headerFields, MAGIC, soundHeader } from "./header.js";

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
