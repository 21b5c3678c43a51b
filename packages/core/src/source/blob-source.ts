import { disposable } from "../disposable.js";
import { PeekpackError } from "../errors.js";
import type { ClosableSource } from "./range-source.js";
import { changed, checkRanges, closedSource } from "./source-error.js";

/** Options of {@link blobSource}. */
export interface BlobSourceOptions {
  /** For messages and cache keys. Default: the name of a File, else `blob`. */
  readonly label?: string | undefined;
}

/**
 * Reads slices of a Blob or File. Caches nothing. A file that changes on disk after it was picked rejects with `changed`, as
 * browsers refuse to read it.
 */
export function blobSource(blob: Blob, options: BlobSourceOptions = {}): ClosableSource {
  const label = options.label ?? (blob as Partial<File>).name ?? "blob";
  const { size } = blob;
  let closed = false;
  const assertOpen = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (closed) throw closedSource(label);
  };
  const slice = async (start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> => {
    assertOpen(signal);
    if (start === end) return new Uint8Array(0);
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch (error) {
      throw new PeekpackError("changed", `${label}: the file can no longer be read.`, {
        section: "source",
        cause: error,
      });
    }
    signal?.throwIfAborted();
    return bytes;
  };
  return disposable<ClosableSource>({
    label,
    local: true,
    async probe(want, { signal } = {}) {
      const [head, tail] = await Promise.all([
        slice(0, Math.min(want.head, size), signal),
        slice(Math.max(0, size - want.tail), size, signal),
      ]);
      return { size, head, tail };
    },
    async read(ranges, { signal } = {}) {
      assertOpen(signal);
      checkRanges(label, ranges, size);
      return Promise.all(ranges.map(({ start, end }) => slice(start, end, signal)));
    },
    pin(state) {
      if ((state.size ?? size) !== size) throw changed(label);
    },
    async close() {
      closed = true;
    },
  });
}
