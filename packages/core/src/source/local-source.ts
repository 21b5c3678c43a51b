import { blobSource } from "./blob-source.js";
import { bytesSource } from "./bytes-source.js";
import type { ClosableSource } from "./range-source.js";

/** Makes a source of bytes or of a Blob. @throws TypeError if `value` is neither */
export function localSource(value: unknown): ClosableSource {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return bytesSource(value);
  if (typeof Blob !== "undefined" && value instanceof Blob) return blobSource(value);
  throw new TypeError(
    "An archive is opened from a RangeSource, a Uint8Array, an ArrayBuffer, a Blob or a URL.",
  );
}
