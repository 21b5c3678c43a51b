import type { ArchivePiece, ByteRange, CompressedArchive, RangeSource } from "@peekpack/core";
import type { Piece } from "./copy-plan.js";
import type { ObjectLocation } from "./location.js";
import type { CopySource } from "./upload-target.js";

/** A byte sequence of the new object. */
export interface Segment {
  readonly piece: Piece;
  /** The object that the server can copy it from. */
  readonly from?: Omit<CopySource, "start" | "end">;
  /** Reads bytes `start` to `end`, counted from the segment's first. */
  read(start: number, end: number, signal: AbortSignal | undefined): Promise<Uint8Array>;
}

/** A segment of bytes in memory. */
export function byteSegment(bytes: Uint8Array): Segment {
  return {
    piece: { kind: "bytes", size: bytes.length },
    read: async (start, end) => bytes.subarray(start, end),
  };
}

/** Reads a segment that begins at `offset` of a source. */
export function sourceReader(source: RangeSource, offset: number): Segment["read"] {
  return async (start, end, signal) =>
    (await source.read([{ start: offset + start, end: offset + end }], { signal }))[0]!;
}

/** A compressed object that holds a child, and how its bytes become a segment. */
export interface CompressedObject {
  readonly object: RangeSource;
  segment(start: number, end: number): Segment;
}

/** Consecutive bytes of an archive, before it is compressed. */
export interface ContentSegment {
  /** The bytes as they are stored without compression. */
  readonly segment: Segment;
  /** The same bytes for the compression. */
  readonly piece: ArchivePiece;
  /** The compressed object that they are in. Undefined if they are not compressed. */
  readonly compressed?: CompressedObject | undefined;
}

/** Bytes in memory. */
export function byteContent(bytes: Uint8Array): ContentSegment {
  return { segment: byteSegment(bytes), piece: bytes };
}

/** Where bytes of an archive are. */
export interface ContentPlace {
  /** Reads the archive, decompressed. */
  readonly content: RangeSource;
  /** The compressed object, if it is compressed. */
  readonly opened: CompressedArchive | undefined;
  /** Where the object is, if that is this store. */
  readonly location: ObjectLocation | undefined;
  /** The bytes of the archive. */
  readonly start: number;
  readonly end: number;
  /** Size of the archive's object, decompressed. */
  readonly objectSize: number;
  readonly version: string | undefined;
}

/** The bytes of an archive as a segment. */
export function contentSegment({
  content,
  opened,
  location,
  start,
  end,
  objectSize,
  version,
}: ContentPlace): ContentSegment {
  const piece = { source: content, start, end };
  if (opened === undefined) {
    return { segment: sourceSegment(content, location, piece, objectSize, version), piece };
  }
  return {
    // The server can copy the compressed bytes, but not these.
    segment: sourceSegment(content, undefined, piece, objectSize, version),
    piece,
    compressed: {
      object: opened.object,
      segment: (from, to) =>
        sourceSegment(opened.object, location, { start: from, end: to }, opened.objectSize, version),
    },
  };
}

/** A range of a source. `location` tells where the server can copy it from, if its version is known. */
export function sourceSegment(
  source: RangeSource,
  location: ObjectLocation | undefined,
  { start, end }: ByteRange,
  objectSize: number,
  version: string | undefined,
): Segment {
  const read = sourceReader(source, start);
  // Without a version, the server could copy another object than the one that was checked.
  if (location === undefined || version === undefined) {
    return { piece: { kind: "bytes", size: end - start }, read };
  }
  const pin = version.startsWith('"') ? { ifMatch: version } : { versionId: version };
  return { piece: { kind: "object", start, end, objectSize }, from: { ...location, ...pin }, read };
}
