import { decodeError } from "./decode-error.js";

/** The high bits of four bytes, which ASCII does not use; a single byte lies in the lowest. */
export const NOT_ASCII = 0x80808080;

/** Whether `bytes[start … end)` is well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates. */
function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const first = bytes[at++]!;
    if (first < 0x80) continue;
    let more = 1;
    let low = 0x80;
    let high = 0xbf;
    if (first < 0xc2) return false;
    if (first < 0xe0) {
      more = 1;
    } else if (first < 0xf0) {
      more = 2;
      if (first === 0xe0) low = 0xa0;
      if (first === 0xed) high = 0x9f;
    } else if (first < 0xf5) {
      more = 3;
      if (first === 0xf0) low = 0x90;
      if (first === 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (at + more > end) return false;
    for (; more > 0; more--) {
      const next = bytes[at++]!;
      if (next < low || next > high) return false;
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}

/** @throws PeekpackError `corrupt` if `bytes[start … end)` is not UTF-8 */
export function checkUtf8(bytes: Uint8Array, start: number, end: number): void {
  if (!isUtf8(bytes, start, end)) throw decodeError("corrupt", start, "A text is not UTF-8.");
}

/** The same, faster for a text in ASCII. */
export function checkText(bytes: Uint8Array, view: DataView, start: number, end: number): void {
  let at = start;
  let high = 0;
  for (; at + 4 <= end; at += 4) high |= view.getInt32(at);
  for (; at < end; at++) high |= bytes[at]!;
  if ((high & NOT_ASCII) !== 0) checkUtf8(bytes, start, end);
}
