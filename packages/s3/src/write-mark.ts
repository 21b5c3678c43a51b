import { hex } from "./hex.js";

/*
 * Each write stores a mark with its object. After a lost response, the mark tells one's own object from another's. An ETag can do
 * that only where it is an MD5, which it is not under SSE-KMS.
 */

/** The mark's name in the metadata of an object. */
export const MARK_NAME = "peekpack-write";

/** The header that stores the mark, and returns it. */
export const MARK_HEADER: string = `x-amz-meta-${MARK_NAME}`;

/** Checks a caller's mark. Default: 32 random hexadecimal digits. @throws TypeError */
export function checkMark(mark?: string): string {
  // Pages without TLS have no `crypto.randomUUID`.
  if (mark === undefined) return hex(crypto.getRandomValues(new Uint8Array(16)));
  if (!isMark(mark)) throw new TypeError("A mark has 1 to 64 letters, digits, `-` and `_`.");
  return mark;
}

/** Whether a value is a mark. */
export function isMark(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{1,64}$/.test(value);
}
