import {
  Archive,
  type ArchiveCompression,
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
import { checkConcurrency, mapConcurrently, READ_CONCURRENCY } from "./concurrency.js";
import { sizeOf } from "./copy-plan.js";
import { type ObjectLocation, parseLocation } from "./location.js";
import { byteContent, type ContentPlace, type ContentSegment, contentSegment } from "./segment.js";
import type { SegmentContext } from "./write-segments.js";

/** A child of a combined archive on S3. A string is a path in the store, unless it is an http(s) URL. */
export type StoreChild = CombineChild;

/** What combining needs of a store. */
export interface CombineContext extends SegmentContext {
  readonly label: string;
  /** Begins the labels of this store's objects. 'bucket/key' follows. */
  readonly labelBase: string;
  /** What is known of the endpoint. Shared by all calls of a store, which complete it. */
  readonly safety: ReplaceSafety;
}

/** A child that was checked. */
export interface ChildSegment extends ContentSegment {
  readonly name: string | undefined;
  /** Bytes, decompressed. */
  readonly size: number;
}

/** How children are read and encoded. */
export interface ChildOptions extends WriteOptions {
  /** Opens compressed children. */
  readonly compression?: ArchiveCompression | undefined;
  /** Maximum number of children that are looked into at once. Default 32. */
  readonly concurrency?: number | undefined;
}

/**
 * Checks every child and returns their bytes as segments. Looks into some sources at once.
 * @throws TypeError if a child has the wrong shape
 * @throws PeekpackError if a source is not an archive, or is the object to write
 */
export function segmentsOf(
  context: CombineContext,
  children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
  options: ChildOptions,
): Promise<ChildSegment[]> {
  const concurrency = checkConcurrency(options.concurrency ?? READ_CONCURRENCY);
  return mapConcurrently(
    checkedChildren(children, options),
    concurrency,
    options.signal,
    async (child, signal) => {
      const { name } = child;
      const content =
        "source" in child
          ? await archiveContent(context, child.source, name, { ...options, signal })
          : child.content;
      return { name, size: sizeOf(content.segment.piece), ...content };
    },
  );
}

type CheckedChild = { readonly name: string | undefined } & (
  | { readonly source: Archive | ArchiveSource }
  | { readonly content: ContentSegment }
);

/** The children, with their values encoded. One value is consumed before the next child is taken, which may share its stream. */
async function* checkedChildren(
  children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
  options: WriteOptions,
): AsyncGenerator<CheckedChild> {
  for await (const child of children) {
    if (typeof child !== "object" || child === null || "source" in child === "value" in child) {
      throw new TypeError('A child is an object with either a "source" or a "value".');
    }
    const { name } = child;
    if (name !== undefined && typeof name !== "string") throw new TypeError("A child's name is a string.");
    if ("source" in child) yield { name, source: child.source };
    else yield { name, content: await valueContent(child.value, options) };
  }
}

async function valueContent(value: unknown, options: WriteOptions): Promise<ContentSegment> {
  const sink = memorySink();
  await writeArchive(sink, value, options);
  return byteContent(sink.bytes());
}

async function archiveContent(
  context: CombineContext,
  given: Archive | ArchiveSource,
  name: string | undefined,
  { signal, compression }: ChildOptions,
): Promise<ContentSegment> {
  const source = given instanceof Archive ? given.source : sourceOf(context, given);
  const opened = await compression?.open(source, { signal });
  const content = opened?.content ?? source;
  const label = (opened?.object ?? source).label;
  if (given instanceof Archive) {
    const { offset, size, objectSize = offset + size, version } = given.info;
    const location = locateSource(context, label);
    return contentOf(context, {
      content,
      opened,
      location,
      start: offset,
      end: offset + size,
      objectSize,
      version,
    });
  }
  const { size, version, head } = await content.probe({ head: HEADER_SIZE, tail: 0 }, { signal });
  try {
    decodeHeader(head, size);
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    const child = name === undefined ? source.label : `"${name}" (${source.label})`;
    throw new PeekpackError(error.code, `${child} cannot be a child: ${error.message}`, {
      section: "header",
    });
  }
  const location = locateChild(context, given, label);
  return contentOf(context, { content, opened, location, start: 0, end: size, objectSize: size, version });
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

/** As {@link contentSegment}, for a child. @throws PeekpackError `unsupported-value` if it is the object to write */
function contentOf(context: CombineContext, place: ContentPlace): ContentSegment {
  const { location } = place;
  if (location?.bucket === context.location.bucket && location.key === context.location.key) {
    throw new PeekpackError("unsupported-value", `${context.label} cannot be combined into itself.`);
  }
  return contentSegment(place);
}
