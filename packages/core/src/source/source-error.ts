import { type ErrorCode, PeekpackError } from "../errors.js";
import type { ByteRange } from "./byte-range.js";
import { hintRetry, type RetryHint } from "./retry-hint.js";

/** An error about a source. */
function sourceError(
  code: ErrorCode,
  label: string,
  what: string,
  details?: { readonly offset?: number; readonly cause?: Error | undefined },
): PeekpackError {
  return new PeekpackError(code, `${label}: ${what}.`, { section: "source", ...details });
}

/** The error for a missing or unusable response. A retry may help. */
export function networkError(
  label: string,
  what: string,
  hint: RetryHint = {},
  cause?: Error,
): PeekpackError {
  return hintRetry(sourceError("network", label, what, { cause }), { again: true, ...hint });
}

/** The error for reads of a closed source. */
export function closedSource(label: string): PeekpackError {
  return sourceError("closed", label, "this source is closed");
}

/** The error for an object that is no longer in the state first seen. */
export function changed(label: string): PeekpackError {
  return sourceError("changed", label, "the object is no longer the one first seen");
}

/** The error for an object that ends before a range does. */
export function truncated(label: string, { start, end }: ByteRange, size?: number): PeekpackError {
  return sourceError("truncated", label, `the object ends before byte ${end}`, { offset: size ?? start });
}

/**
 * Checks ranges, against the object's size if it is known.
 * @throws RangeError if a range is not `0 <= start <= end` in safe integers
 * @throws PeekpackError `truncated` if the object ends before a range does
 */
export function checkRanges(label: string, ranges: readonly ByteRange[], size?: number): void {
  for (const range of ranges) {
    const { start, end } = range;
    if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end)) {
      throw new RangeError(`Not a range of bytes: ${start} to ${end}.`);
    }
    if (size !== undefined && end > size) throw truncated(label, range, size);
  }
}
