import type { RangeSource } from "./range-source.js";
import { changed, checkRanges, closedSource } from "./source-error.js";

/** What may accompany bytes that serve as a source. */
export interface BytesSourceOptions {
  /** For messages and cache keys. Default `bytes`. */
  readonly label?: string | undefined;
  /** Version to give out, where the caller knows one. */
  readonly version?: string | undefined;
}

/**
 * Reads from memory. Everything it gives is a view of `bytes`, which must not change meanwhile.
 * @throws TypeError when `bytes` is neither a Uint8Array nor a buffer
 */
export function bytesSource(
  bytes: Uint8Array | ArrayBufferLike,
  options: BytesSourceOptions = {},
): RangeSource {
  const { label = "bytes", version } = options;
  // A Buffer would hand out Buffers, whose slice() is no copy.
  let all: Uint8Array | undefined =
    bytes instanceof Uint8Array
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      : new Uint8Array(checkBuffer(bytes));
  const open = (signal: AbortSignal | undefined): Uint8Array => {
    signal?.throwIfAborted();
    if (all === undefined) throw closedSource(label);
    return all;
  };
  return {
    label,
    local: true,
    async probe({ head, tail }, { signal } = {}) {
      const from = open(signal);
      return {
        size: from.length,
        ...(version === undefined ? {} : { version }),
        head: from.subarray(0, head),
        tail: from.subarray(Math.max(0, from.length - tail)),
      };
    },
    async read(ranges, { signal } = {}) {
      const from = open(signal);
      checkRanges(label, ranges, from.length);
      return ranges.map(({ start, end }) => from.subarray(start, end));
    },
    pin({ size }) {
      if (size !== undefined && size !== all?.length) throw changed(label);
    },
    async close() {
      all = undefined;
    },
  };
}

/** A number or an array would silently become zeros or a copy. */
function checkBuffer(buffer: ArrayBufferLike): ArrayBufferLike {
  if (!/\[object (Shared)?ArrayBuffer\]/.test(Object.prototype.toString.call(buffer))) {
    throw new TypeError("bytesSource takes a Uint8Array or an ArrayBuffer.");
  }
  return buffer;
}
