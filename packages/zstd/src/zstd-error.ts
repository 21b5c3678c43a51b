import { PeekpackError } from "@peekpack/core";

/** The error for a frame that does not decode. */
export function damaged(): PeekpackError {
  return new PeekpackError("corrupt", "A Zstandard frame does not decode.", { section: "source" });
}
