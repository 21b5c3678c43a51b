import { disposable } from "../disposable.js";
import type { ClosableSource } from "./range-source.js";
import { changed, checkRanges, closedSource } from "./source-error.js";

/** Options of {@link bytesSource}. */
export interface BytesSourceOptions {
  /** For messages and cache keys. Default `bytes`. */
  readonly label?: string | undefined;
  /** Version that the probe reports, if the caller knows one. */
  readonly version?: string | undefined;
}

/**
 * Reads from memory. The arrays it returns are views of `bytes`, which must not change meanwhile.
 * @throws TypeError if `bytes` is neither a Uint8Array nor a buffer
 */
export function bytesSource(
  bytes: Uint8Array | ArrayBufferLike,
  options: BytesSourceOptions = {},
): ClosableSource {
  const { label = "bytes", version } = options;
  // Views of a Node Buffer would be Buffers, whose slice() does not copy.
  let all: Uint8Array | undefined =
    bytes instanceof Uint8Array
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      : new Uint8Array(checkBuffer(bytes));
  const open = (signal: AbortSignal | undefined): Uint8Array => {
    signal?.throwIfAborted();
    if (all === undefined) throw closedSource(label);
    return all;
  };
  return disposable<ClosableSource>({
    label,
    local: true,
    async probe({ head, tail, longTail }, { signal } = {}) {
      const from = open(signal);
      const first = from.subarray(0, head);
      const last = Math.max(tail, longTail?.wanted(first, from.length) ?? 0);
      return {
        size: from.length,
        ...(version === undefined ? {} : { version }),
        head: first,
        tail: from.subarray(Math.max(0, from.length - last)),
      };
    },
    async read(ranges, { signal } = {}) {
      const from = open(signal);
      checkRanges(label, ranges, from.length);
      return ranges.map(({ start, end }) => from.subarray(start, end));
    },
    pin(state) {
      const size = all?.length;
      if ((state.size ?? size) !== size || (state.version ?? version) !== (version ?? state.version)) {
        throw changed(label);
      }
    },
    async close() {
      all = undefined;
    },
  });
}

/** Rejects a number or an array, which would silently become zeros or a copy. */
function checkBuffer(buffer: ArrayBufferLike): ArrayBufferLike {
  if (!/\[object (Shared)?ArrayBuffer\]/.test(Object.prototype.toString.call(buffer))) {
    throw new TypeError("bytesSource takes a Uint8Array or an ArrayBuffer.");
  }
  return buffer;
}
