import { isAscii, isUtf8 } from "node:buffer";
import { PeekpackError } from "@peekpack/core";

/** Decodes UTF-8. @throws PeekpackError `corrupt` for invalid bytes, with `name` in the message */
export function decodeText(bytes: Buffer, name: string): string {
  if (isAscii(bytes)) return bytes.toString("latin1");
  if (!isUtf8(bytes)) throw new PeekpackError("corrupt", `${name} is not text in UTF-8`);
  return bytes.toString("utf8");
}

/** Whether a file begins with the byte order mark of UTF-8, which does not belong to its text. */
export function markLength(first: Buffer): number {
  return first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf ? 3 : 0;
}
