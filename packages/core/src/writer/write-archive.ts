import { ArchiveWriter } from "./archive-writer.js";
import { type EncodeOptions, resolveEncodeOptions } from "./options.js";
import type { ArchiveSink, WriteResult } from "./sink.js";

/** How an archive is written into a sink. */
export interface WriteOptions extends EncodeOptions {
  /** Ends the writing; the sink is aborted, and the call rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a value as an archive into a sink, and gives what the sink made of it.
 *
 * Takes all that {@link encodeArchive} takes, and streams: iterables and async iterables of items, `listOf`, `mapOf`, at
 * any level, consumed when they are reached, so that memory stays one level wide; and lazy handles (an open archive,
 * `LazyMap`, `LazyList`), which are repacked child by child. The bytes are the same as if everything had been in memory.
 *
 * When anything fails the sink is aborted: nothing appears, and what was there before is as it was.
 *
 * @throws PeekpackError `unsupported-value` or `limit` with the path of the value at fault, and what the sink rejects with
 * @throws TypeError or RangeError for options of the wrong type or value; what an iterable throws, as it is
 */
export async function writeArchive(
  sink: ArchiveSink,
  value: unknown,
  options: WriteOptions = {},
): Promise<WriteResult> {
  const resolved = resolveEncodeOptions(options);
  return finishing(sink, () => new ArchiveWriter(sink, resolved, options.signal).write(value));
}

/** Runs a write, and aborts the sink when it fails. */
export async function finishing(sink: ArchiveSink, write: () => Promise<WriteResult>): Promise<WriteResult> {
  try {
    return await write();
  } catch (error) {
    // What led here is what the caller must see; an abort that fails as well would only hide it.
    await sink.abort(error).catch(() => {});
    throw error;
  }
}
