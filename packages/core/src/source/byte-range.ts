import { PeekpackError } from "../errors.js";
import type { ByteRange } from "./range-source.js";

/**
 * Checks what a caller asks for, against the object's size where that is known.
 * @throws RangeError when a range is not `0 <= start <= end` in safe integers
 * @throws PeekpackError `truncated` when the object ends before a range does
 */
export function checkRanges(label: string, ranges: readonly ByteRange[], size?: number): void {
  for (const { start, end } of ranges) {
    if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end)) {
      throw new RangeError(`Not a range of bytes: ${start} to ${end}.`);
    }
    if (size !== undefined && end > size) throw truncated(label, start, end, size);
  }
}

/** The error for an object that ends before a range does. */
export function truncated(label: string, start: number, end: number, size?: number): PeekpackError {
  const ends = size === undefined ? "ends before that" : `has ${size}`;
  return new PeekpackError("truncated", `${label}: bytes ${start} to ${end} wanted, the object ${ends}.`, {
    section: "source",
    offset: size ?? start,
  });
}

/** The error for whoever still reads from a source that was closed. */
export function closedSource(label: string): PeekpackError {
  return new PeekpackError("closed", `${label}: this source is closed.`, { section: "source" });
}
