import {
  type ArchiveCompression,
  type ArchiveSink,
  decodeHeader,
  HEADER_SIZE,
  isPeekpackError,
  type RangeSource,
  type ReadEngine,
  type WriteResult,
} from "@peekpack/core";
import { type Arguments, type OptionSpecs, UsageError } from "./arguments.js";

/** Bytes that are copied at a time. */
const STEP_BYTES = 4 * 1024 * 1024;

/** The option of commands that can compress what they write. */
export const ZSTD_OPTION: OptionSpecs = {
  zstd: {
    value: "LEVEL",
    optional: true,
    help: "compress OUT in the Zstandard seekable format, level 1 to 22 (default 5), with a page index",
  },
};

/** The level that `--zstd` asks for; undefined without the option. 0: the default. @throws UsageError */
export function zstdLevel(args: Arguments): number | undefined {
  if (args.text("zstd") === "") return 0;
  const level = args.count("zstd");
  if (level !== undefined && (level < 1 || level > 22))
    throw new UsageError("--zstd takes a level from 1 to 22");
  return level;
}

/** A sink that compresses, if a level is given. */
export async function compressing(sink: ArchiveSink, level: number | undefined): Promise<ArchiveSink> {
  if (level === undefined) return sink;
  const { zstdSink } = await import("@peekpack/zstd");
  return zstdSink(sink, level === 0 ? {} : { level });
}

/**
 * The content of an object that was found not to be an archive, and its compressed size.
 * @returns undefined if it is not compressed either, or for another error
 */
export async function compressedContent(
  error: unknown,
  source: RangeSource,
): Promise<{ readonly source: ReadEngine; readonly size: number } | undefined> {
  if (!isPeekpackError(error) || error.code !== "not-an-archive") return undefined;
  const { isZstd, zstdSource } = await import("@peekpack/zstd");
  const { head, size } = await source.probe({ head: 4, tail: 0 });
  return isZstd(head) ? { source: zstdSource(source), size } : undefined;
}

/** Combines compressed archives by their frames. */
export async function frameCompression(): Promise<ArchiveCompression> {
  const { zstdFrames } = await import("@peekpack/zstd");
  return zstdFrames();
}

/** The content of a source: decompressed if it is compressed, else as it is. */
export async function contentOf(source: RangeSource): Promise<RangeSource> {
  const { isZstd, zstdSource } = await import("@peekpack/zstd");
  const { head } = await source.probe({ head: 4, tail: 0 });
  return isZstd(head) ? zstdSource(source) : source;
}

/**
 * Does something with archives, and if one of them turns out to be compressed, does it again for compressed archives. An archive that is
 * not compressed costs no request for this.
 */
export async function orCompressed<T>(work: (compressed: boolean) => Promise<T>): Promise<T> {
  try {
    return await work(false);
  } catch (error) {
    if (!isPeekpackError(error) || error.code !== "not-an-archive") throw error;
    return work(true);
  }
}

/** Copies an archive from a source to a sink, byte for byte. @throws PeekpackError if it is not an archive */
export async function copyObject(
  source: RangeSource,
  sink: ArchiveSink,
  signal: AbortSignal | undefined,
): Promise<WriteResult> {
  try {
    const { head, size } = await source.probe({ head: HEADER_SIZE, tail: 0 }, { signal });
    decodeHeader(head, size);
    const header = head.slice(0, HEADER_SIZE);
    for (let start = HEADER_SIZE; start < size; start += STEP_BYTES) {
      const [bytes] = await source.read([{ start, end: Math.min(start + STEP_BYTES, size) }], { signal });
      await sink.write(bytes!.slice());
    }
    return await sink.finish(header);
  } catch (error) {
    await sink.abort(error).catch(() => {});
    throw error;
  }
}
