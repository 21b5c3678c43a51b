import type { ArchiveCompression, RangeSource } from "@peekpack/core";
import { sizeOf } from "./copy-plan.js";
import { byteSegment, type CompressedObject, type ContentSegment, type Segment } from "./segment.js";

/** The segments of an archive's compressed form. Those that are in compressed objects stay ranges of these. */
export async function compressedSegments(
  contents: readonly ContentSegment[],
  compression: ArchiveCompression,
  signal: AbortSignal | undefined,
): Promise<Segment[]> {
  const objects = new Map<RangeSource, CompressedObject>();
  for (const { compressed } of contents) if (compressed) objects.set(compressed.object, compressed);
  const pieces = await compression.compress(
    contents.map(({ piece }) => piece),
    { signal },
  );
  return pieces.map((piece) => {
    if (piece instanceof Uint8Array) return byteSegment(piece);
    const compressed = objects.get(piece.source);
    if (compressed === undefined)
      throw new TypeError("A compression returns ranges of objects that it has opened.");
    return compressed.segment(piece.start, piece.end);
  });
}

/** Says which bytes had to pass through this process because some archives are compressed and others are not. */
export function mixedNotice(contents: readonly ContentSegment[], compressing: boolean): string | undefined {
  const bytes = contents.reduce((sum, { segment: { piece }, piece: content, compressed }) => {
    const passes = compressing ? !compressed && !(content instanceof Uint8Array) : compressed !== undefined;
    return passes ? sum + sizeOf(piece) : sum;
  }, 0);
  if (bytes === 0) return undefined;
  return compressing
    ? `${bytes} bytes of archives that are not compressed were read and compressed.`
    : `The archive is not compressed: ${bytes} bytes of compressed archives were decompressed and uploaded.`;
}
