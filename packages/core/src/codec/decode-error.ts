import { PeekpackError } from "../errors.js";

/** The error for bytes that do not decode, or not within the limits, at an offset in them. */
export function decodeError(
  code: "corrupt" | "truncated" | "limit",
  offset: number,
  message: string,
): PeekpackError {
  return new PeekpackError(code, message, { section: "data", offset });
}

export function tooManyItems(at: number, maxItems: number): PeekpackError {
  return decodeError("limit", at, `More than ${maxItems} items (limit maxItems).`);
}

/** The error for an item that ends after the bytes that hold it. */
export function tooLong(at: number, size: number): PeekpackError {
  return decodeError("truncated", at, `The value exceeds its ${size} bytes.`);
}

export function longKey(at: number, length: number): PeekpackError {
  return decodeError("limit", at, `A key has ${length} bytes (limit maxKeyBytes).`);
}
