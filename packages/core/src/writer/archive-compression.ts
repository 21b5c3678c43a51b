import type { ByteRange } from "../source/byte-range.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";

/** Bytes of a source. */
export interface SourceRange extends ByteRange {
  readonly source: RangeSource;
}

/** Consecutive bytes: in memory, or of a source. */
export type ArchivePiece = Uint8Array | SourceRange;

/** A compressed archive. */
export interface CompressedArchive {
  /** Reads the archive, decompressed. */
  readonly content: RangeSource;
  /** Reads the compressed object. */
  readonly object: RangeSource;
  /** Size of the compressed object in bytes. */
  readonly objectSize: number;
}

/**
 * Puts compressed archives together without compressing them again. `zstdFrames` of `@peekpack/zstd` makes one for `store.combine`
 * and `store.append` of `@peekpack/s3`.
 */
export interface ArchiveCompression {
  /**
   * Opens a compressed archive.
   * @returns undefined if the object is not compressed
   * @throws PeekpackError as reads of the archive do
   */
  open(source: RangeSource, options?: ReadOptions): Promise<CompressedArchive | undefined>;
  /**
   * Makes a compressed object of an archive that is given in pieces. The first piece is the header. Ranges of a `content` become ranges
   * of its `object`; everything else is read and compressed. Nothing is written.
   * @returns the pieces of the compressed object, in order
   * @throws PeekpackError `limit` if what must be compressed does not fit in memory, and as reads do
   */
  compress(pieces: readonly ArchivePiece[], options?: ReadOptions): Promise<ArchivePiece[]>;
}
