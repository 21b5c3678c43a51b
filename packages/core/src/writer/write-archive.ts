import { ArchiveWriter } from "./archive-writer.js";
import { type EncodeOptions, resolveEncodeOptions } from "./options.js";
import type { ArchiveSink, WriteResult } from "./sink.js";

/** How an archive is written into a sink. */
export interface WriteOptions extends EncodeOptions {
  /** Aborts the write: the sink is aborted, and the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a value as an archive into a sink, and returns the sink's result.
 *
 * Takes every value that {@link encodeArchive} takes. At any level it also takes streams (iterables and async iterables of
 * items, `listOf`, `mapOf`), which it consumes when it reaches them, so that only one level is in memory; and lazy handles
 * (an open archive, `LazyMap`, `LazyList`), which it repacks child by child. The bytes are the same as those of a value in
 * memory.
 *
 * If anything fails the sink is aborted: nothing appears, and what was there before stays unchanged.
 *
 * @throws PeekpackError `unsupported-value` or `limit` with the path of the value, and what the sink rejects with
 * @throws TypeError or RangeError for options of the wrong type or value; errors of an iterable, unchanged
 */
export async function writeArchive(
  sink: ArchiveSink,
  value: unknown,
  options: WriteOptions = {},
): Promise<WriteResult> {
  const resolved = resolveEncodeOptions(options);
  return finishing(sink, () => new ArchiveWriter(sink, resolved, options.signal).write(value));
}

/** Runs a write, and aborts the sink if it fails. */
export async function finishing(sink: ArchiveSink, write: () => Promise<WriteResult>): Promise<WriteResult> {
  try {
    return await write();
  } catch (error) {
    // The caller must see the first error; that of a failed abort would hide it.
    await sink.abort(error).catch(() => {});
    throw error;
  }
}
