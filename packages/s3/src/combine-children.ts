import {
  Archive,
  type ArchiveSource,
  blobSource,
  bytesSource,
  type CombineChild,
  decodeHeader,
  HEADER_SIZE,
  httpSource,
  isPeekpackError,
  memorySink,
  PeekpackError,
  type RangeSource,
  readEngine,
  type WriteOptions,
  writeArchive,
} from "@peekpack/core";
import type { ReplaceSafety } from "./capability.js";
import type { Piece } from "./copy-plan.js";
import { type ObjectLocation, parseLocation } from "./location.js";
import type { CopySource, PutMode, UploadTarget } from "./upload-target.js";

/** A child of a combined archive on S3. A string is a path in the store, unless it is an http(s) URL. */
export type StoreChild = CombineChild;

/** What combining needs of a store. */
export interface CombineContext {
  readonly label: string;
  /** The object to write. */
  readonly location: ObjectLocation;
  /** Begins the labels of this store's objects. 'bucket/key' follows. */
  readonly labelBase: string;
  /** What is known of the endpoint. Shared by all calls of a store, which complete it. */
  readonly safety: ReplaceSafety;
  source(location: ObjectLocation, version?: string): RangeSource;
  target(location: ObjectLocation, put: PutMode): Promise<UploadTarget>;
}

/** A byte sequence of the new object. */
export interface Segment {
  readonly piece: Piece;
  /** The object that the server can copy it from. */
  readonly from?: Omit<CopySource, "start" | "end">;
  /** Reads bytes `start` to `end`, counted from the segment's first. */
  read(start: number, end: number, signal: AbortSignal | undefined): Promise<Uint8Array>;
}

/** A child that was checked. */
export interface ChildSegment {
  readonly name: string | undefined;
  /** Bytes. */
  readonly size: number;
  readonly segment: Segment;
}

/**
 * Checks every child and returns their bytes as segments.
 * @throws TypeError if a child has the wrong shape
 * @throws PeekpackError if a source is not an archive, or is the object to write
 */
export async function segmentsOf(
  context: CombineContext,
  children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
  options: WriteOptions,
): Promise<ChildSegment[]> {
  const found: ChildSegment[] = [];
  for await (const child of children) {
    if (typeof child !== "object" || child === null || "source" in child === "value" in child) {
      throw new TypeError('A child is an object with either a "source" or a "value".');
    }
    const { name } = child;
    if (name !== undefined && typeof name !== "string") throw new TypeError("A child's name is a string.");
    const segment =
      "source" in child
        ? await archiveSegment(context, child.source, name, options.signal)
        : await valueSegment(child.value, options);
    const { piece } = segment;
    found.push({ name, size: piece.kind === "bytes" ? piece.size : piece.end - piece.start, segment });
  }
  return found;
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

async function valueSegment(value: unknown, options: WriteOptions): Promise<Segment> {
  const sink = memorySink();
  await writeArchive(sink, value, options);
  return byteSegment(sink.bytes());
}

async function archiveSegment(
  context: CombineContext,
  given: Archive | ArchiveSource,
  name: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Segment> {
  if (given instanceof Archive) {
    const { label, offset, size, objectSize = offset + size, version } = given.info;
    const range = { start: offset, end: offset + size };
    return sourceSegment(context, given.source, locateSource(context, label), range, objectSize, version);
  }
  const source = sourceOf(context, given);
  const { size, version, head } = await source.probe({ head: HEADER_SIZE, tail: 0 }, { signal });
  try {
    decodeHeader(head, size);
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    const child = name === undefined ? source.label : `"${name}" (${source.label})`;
    throw new PeekpackError(error.code, `${child} cannot be a child: ${error.message}`, {
      section: "header",
    });
  }
  const location = locateChild(context, given, source.label);
  return sourceSegment(context, source, location, { start: 0, end: size }, size, version);
}

/** The object of this store that a child is; undefined for a child elsewhere. */
function locateChild(
  context: CombineContext,
  given: ArchiveSource,
  label: string,
): ObjectLocation | undefined {
  if (given instanceof URL || (typeof given === "string" && isUrl(given))) {
    return locateLabel(context, label, decodeURIComponent);
  }
  return typeof given === "string" ? parseLocation(given) : locateSource(context, label);
}

/**
 * The object of this store that a source reads. A label with a percent sign is ambiguous: it may be of this store, or of a URL,
 * which is percent-encoded.
 */
function locateSource(context: CombineContext, label: string): ObjectLocation | undefined {
  return label.includes("%") ? undefined : locateLabel(context, label, (path) => path);
}

function locateLabel(
  { labelBase }: CombineContext,
  label: string,
  decode: (path: string) => string,
): ObjectLocation | undefined {
  if (!label.startsWith(labelBase)) return undefined;
  try {
    return parseLocation(decode(label.slice(labelBase.length)));
  } catch {
    return undefined;
  }
}

function isUrl(text: string): boolean {
  return /^https?:/.test(text);
}

function sourceOf(context: CombineContext, given: ArchiveSource): RangeSource {
  if (typeof given === "string" && !isUrl(given)) {
    return readEngine(context.source(parseLocation(given)), { cacheBytes: 0, readAhead: 0 });
  }
  if (typeof given === "string" || given instanceof URL) {
    return readEngine(httpSource(given), { cacheBytes: 0 });
  }
  if (given instanceof Uint8Array || given instanceof ArrayBuffer) return bytesSource(given);
  if (given instanceof Blob) return blobSource(given);
  return given;
}

function sourceSegment(
  context: CombineContext,
  source: RangeSource,
  location: ObjectLocation | undefined,
  { start, end }: { readonly start: number; readonly end: number },
  objectSize: number,
  version: string | undefined,
): Segment {
  if (location?.bucket === context.location.bucket && location.key === context.location.key) {
    throw new PeekpackError("unsupported-value", `${context.label} cannot be combined into itself.`);
  }
  const read = sourceReader(source, start);
  // Without a version, the server could copy another object than the one that was checked.
  if (location === undefined || version === undefined) {
    return { piece: { kind: "bytes", size: end - start }, read };
  }
  const pin = version.startsWith('"') ? { ifMatch: version } : { versionId: version };
  return { piece: { kind: "object", start, end, objectSize }, from: { ...location, ...pin }, read };
}
