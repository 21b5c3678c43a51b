import { decodeHeader, HEADER_SIZE, PeekpackError, type RangeSource } from "@peekpack/core";
import { beginsAsFooter, FOOTER_SIZE } from "@peekpack/core/internal";

/** Where the page index of an archive belongs in its file or object. */
export interface ArchiveEnd {
  /** Offset after the table of contents. */
  readonly end: number;
  readonly size: number;
  readonly version: string | undefined;
}

/** Where an archive is in its file or object. */
export interface ArchivePlace {
  readonly offset?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the end of an archive.
 * @param name for messages
 * @throws PeekpackError `unsupported-value` unless the bytes after the archive are a page index, or there are none
 */
export async function archiveEnd(
  source: RangeSource,
  name: string,
  { offset = 0, signal }: ArchivePlace,
): Promise<ArchiveEnd> {
  const { size, version, tail } = await source.probe({ head: HEADER_SIZE, tail: FOOTER_SIZE }, { signal });
  const start = Math.min(offset, size);
  const range = { start, end: Math.min(start + HEADER_SIZE, size) };
  const [header = new Uint8Array(0)] = await source.read([range], { signal });
  const { tocStart, tocSize } = decodeHeader(header, size - offset, offset);
  const end = offset + HEADER_SIZE + tocStart + tocSize;
  const hasIndex = size - end >= FOOTER_SIZE && beginsAsFooter(tail.subarray(-FOOTER_SIZE));
  if (size === end || hasIndex) return { end, size, version };
  throw new PeekpackError(
    "unsupported-value",
    `${name} has ${size - end} other bytes after the archive: write the index to another file with --sidecar`,
  );
}
