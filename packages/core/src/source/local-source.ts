import { blobSource } from "./blob-source.js";
import { bytesSource } from "./bytes-source.js";
import type { RangeSource } from "./range-source.js";

/** A source of bytes that are here. @throws TypeError when they are none of what an archive is opened from */
export function localSource(of: unknown): RangeSource {
  if (of instanceof Uint8Array || of instanceof ArrayBuffer) return bytesSource(of);
  if (typeof Blob !== "undefined" && of instanceof Blob) return blobSource(of);
  throw new TypeError(
    "An archive is opened from a RangeSource, a Uint8Array, an ArrayBuffer, a Blob, a URL or a text that is one.",
  );
}
