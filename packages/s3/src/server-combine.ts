import { type ArchiveCompression, openArchive, PeekpackError, type WriteOptions } from "@peekpack/core";
import { type CombinedLayout, combinedLayout } from "@peekpack/core/internal";
import { checkReplacing } from "./append-safety.js";
import type { ReplacingRequest } from "./capability.js";
import { type CombineContext, type StoreChild, segmentsOf } from "./combine-children.js";
import { compressedSegments, mixedNotice } from "./combine-compressed.js";
import { checkConcurrency } from "./concurrency.js";
import { byteContent, type ContentSegment, contentSegment } from "./segment.js";
import type { PutMode } from "./upload-target.js";
import {
  type CheckRequest,
  type ServerCopyOptions,
  type ServerCopyResult,
  writeSegments,
} from "./write-segments.js";

export type { CombineContext, StoreChild } from "./combine-children.js";

/** Options of `store.combine` and `store.append`. */
export interface StoreCombineOptions extends WriteOptions, ServerCopyOptions {
  /** How an existing object is treated. Default `overwrite`. Appending always replaces the version that it has read. */
  readonly put?: PutMode | undefined;
  /**
   * Combines compressed archives: `zstdFrames()` of `@peekpack/zstd`. `combine` then writes a compressed archive, and `append`
   * one if the archive is compressed. The server copies the frames of compressed children, which are not compressed again. Values and
   * archives that are not compressed pass through memory and are compressed. Without it, a compressed archive is no child, unless
   * it is given as a source of its content.
   */
  readonly compression?: ArchiveCompression | undefined;
}

/** Options of `store.append`. */
export interface StoreAppendOptions extends Omit<StoreCombineOptions, "put" | "codec"> {
  /**
   * Whether nobody else writes the archive meanwhile. Then it is appended to also where the server ignores `If-Match`, which keeps
   * two writers from losing each other's children. Default false.
   */
  readonly soleWriter?: boolean | undefined;
}

/** The combined archive, and the bytes that were transferred for it. */
export interface StoreCombineResult extends ServerCopyResult {
  /** Size of the compressed object in bytes. Absent if it is not compressed. */
  readonly compressedSize?: number | undefined;
}

/** Combines archives; see `S3Store.combine`. */
export async function combineOnServer(
  context: CombineContext,
  children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
  options: StoreCombineOptions = {},
): Promise<StoreCombineResult> {
  checkConcurrency(options.concurrency);
  const found = await segmentsOf(context, children, options);
  const codec = typeof options.codec === "object" ? options.codec.protocol : options.codec;
  const layout = await combinedLayout(found, { codec, pageIndex: options.pageIndex });
  const put = options.put ?? "overwrite";
  return writeContents(context, layout, found, put, options.compression, options);
}

/** Adds children to a combined archive; see `S3Store.append`. */
export async function appendOnServer(
  context: CombineContext,
  children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
  options: StoreAppendOptions = {},
): Promise<StoreCombineResult> {
  checkConcurrency(options.concurrency);
  const { compression, signal } = options;
  const source = context.source(context.location);
  const opened = await compression?.open(source, { signal });
  const archive = await openArchive(opened?.content ?? source, { signal });
  const { version, objectSize = 0 } = archive.info;
  if (version === undefined || !version.startsWith('"')) {
    throw new PeekpackError(
      "conflict",
      `${context.label}: the server exposes no ETag. Without it, appending could lose children that others append.`,
      { section: "sink" },
    );
  }
  const found = await segmentsOf(context, children, options);
  const layout = await combinedLayout(found, { onto: archive, pageIndex: options.pageIndex });
  const { start, end } = layout.kept!;
  const content = opened?.content ?? context.source(context.location, version);
  const existing = contentSegment({
    content,
    opened,
    location: context.location,
    start,
    end,
    objectSize,
    version,
  });
  const check = options.soleWriter
    ? undefined
    : (request: ReplacingRequest) => checkReplacing(context, request, signal);
  const contents = [existing, ...found];
  return writeContents(
    context,
    layout,
    contents,
    { ifMatch: version },
    opened && compression,
    options,
    check,
  );
}

/** Writes a combined archive: its header, what `contents` holds, its table and its page index. */
async function writeContents(
  context: CombineContext,
  { header, table, index, size }: CombinedLayout,
  contents: readonly ContentSegment[],
  put: PutMode,
  compression: ArchiveCompression | undefined,
  options: StoreCombineOptions,
  check?: CheckRequest,
): Promise<StoreCombineResult> {
  const ends = index.length === 0 ? [table] : [table, index];
  const all = [byteContent(header), ...contents, ...ends.map(byteContent)];
  const segments = compression
    ? await compressedSegments(all, compression, options.signal)
    : all.map(({ segment }) => segment);
  const result = await writeSegments(context, segments, put, options, check);
  const notices = [result.notice, mixedNotice(all, compression !== undefined)].filter((notice) => notice);
  return {
    ...result,
    size,
    ...(compression && { compressedSize: result.size }),
    ...(notices.length > 0 && { notice: notices.join(" ") }),
  };
}
