import { type ErrorCode, PeekpackError } from "../errors.js";
import type { ByteRange } from "./range-source.js";
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

/** The error for an answer that did not come, or that cannot be used. Asking again may help. */
export function networkError(
  label: string,
  what: string,
  hint: RetryHint = {},
  cause?: Error,
): PeekpackError {
  return hintRetry(sourceError("network", label, what, { cause }), { again: true, ...hint });
}

/** The error for whoever still reads from a source that was closed. */
export function closedSource(label: string): PeekpackError {
  return sourceError("closed", label, "this source is closed");
}

/** The error for an object that is in another state than the one first seen. */
export function changed(label: string): PeekpackError {
  return sourceError("changed", label, "the object is no longer the one first seen");
}

/** The error for an object that ends before a range does. */
export function truncated(label: string, { start, end }: ByteRange, size?: number): PeekpackError {
  return sourceError("truncated", label, `the object ends before byte ${end}`, { offset: size ?? start });
}

/**
 * Checks what a caller asks for, against the object's size where that is known.
 * @throws RangeError when a range is not `0 <= start <= end` in safe integers
 * @throws PeekpackError `truncated` when the object ends before a range does
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
