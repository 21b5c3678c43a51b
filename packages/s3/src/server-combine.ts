import {
  type ArchiveCompression,
  openArchive,
  PeekpackError,
  type WriteOptions,
  type WriteResult,
} from "@peekpack/core";
import { type CombinedLayout, combinedLayout } from "@peekpack/core/internal";
import { checkReplacing } from "./append-safety.js";
import type { ReplacingRequest } from "./capability.js";
import { type CombineContext, type StoreChild, segmentsOf } from "./combine-children.js";
import { compressedSegments, mixedNotice } from "./combine-compressed.js";
import { checkConcurrency, forEachConcurrently } from "./concurrency.js";
import { type CopyPlan, type PlannedPart, planCopy, type Run } from "./copy-plan.js";
import { DEFAULT_PART_SIZE } from "./limits.js";
import { S3Error } from "./s3-error.js";
import { byteContent, type ContentSegment, contentSegment, type Segment, sourceReader } from "./segment.js";
import { type ProgressListener, progressReporter } from "./upload-progress.js";
import type { PutMode, StoredObject, UploadedPart, UploadTarget } from "./upload-target.js";

export type { CombineContext, StoreChild } from "./combine-children.js";

/** Options of `store.combine` and `store.append`. */
export interface StoreCombineOptions extends WriteOptions {
  /** How an existing object is treated. Default `overwrite`. Appending always replaces the version that it has read. */
  readonly put?: PutMode | undefined;
  /** Makes all parts but the last of this many bytes, as some services (R2) require. */
  readonly equalPartSize?: number | undefined;
  /** Maximum number of concurrent requests. Default 4. */
  readonly concurrency?: number | undefined;
  /** Whether the server may copy. If false, all bytes are read and uploaded. Default true. */
  readonly copy?: boolean | undefined;
  readonly onProgress?: ProgressListener | undefined;
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
export interface StoreCombineResult extends WriteResult {
  /** Size of the compressed object in bytes. Absent if it is not compressed. */
  readonly compressedSize?: number | undefined;
  /** Bytes that the server copied. */
  readonly copiedBytes: number;
  /** Bytes of archives on S3 that were read because they were too short to copy. */
  readonly readBytes: number;
  /** Bytes that were uploaded. */
  readonly uploadedBytes: number;
  /** Why the server did not copy, or why archives were compressed or decompressed, if they were. */
  readonly notice?: string | undefined;
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

/** Rejects if a request would not replace the object safely. */
type CheckRequest = (request: ReplacingRequest) => Promise<void>;

/** Writes the object. If the server cannot copy, reads and uploads everything, and the result says so. */
async function writeSegments(
  context: CombineContext,
  segments: readonly Segment[],
  put: PutMode,
  options: StoreCombineOptions,
  check?: CheckRequest,
): Promise<StoreCombineResult> {
  const target = await context.target(context.location, put);
  const copy = (options.copy ?? true) && target.copyPart !== undefined;
  try {
    return await writeByPlan(context, target, segments, copy, options, check);
  } catch (error) {
    if (!(error instanceof CopyRefused)) throw error;
    const result = await writeByPlan(context, target, segments, false, options, check);
    return {
      ...result,
      notice: `The server does not copy parts (${error.detail}); ${result.readBytes} bytes were read and uploaded instead.`,
    };
  }
}

/** The server refused to copy a part. The reason is not in the bytes to copy, so they can be read and uploaded. */
class CopyRefused extends Error {
  readonly detail: string;

  constructor({ status, s3Code }: S3Error) {
    super("The server does not copy parts.");
    this.detail = s3Code ?? String(status);
  }
}

/** Servers without copies respond in many ways: 501, 405, 411, 400, 403. */
function isCopyRefusal(error: unknown): error is S3Error {
  return error instanceof S3Error && (error.code === "denied" || error.code === "limit");
}

async function writeByPlan(
  context: CombineContext,
  target: UploadTarget,
  segments: readonly Segment[],
  copy: boolean,
  options: StoreCombineOptions,
  check?: CheckRequest,
): Promise<StoreCombineResult> {
  const { signal, equalPartSize } = options;
  const plan = planCopy(
    segments.map(({ piece }) => piece),
    { equalPartSize, copy },
  );
  const progress = progressReporter(options.onProgress);
  progress.update({ phase: "uploading", bytesProduced: plan.size, totalBytes: plan.size });
  const write = async (): Promise<StoredObject> => {
    if (plan.copied === 0 && plan.size <= DEFAULT_PART_SIZE) {
      await check?.("put");
      const runs = plan.parts.flatMap((part) => part.runs);
      return target.putObject(await assemble(segments, runs, plan.size, signal), { signal });
    }
    await check?.("complete");
    if (plan.stages.length > 0) return writeStages(context, target, segments, plan, options);
    const report = (bytes: number): void => progress.update({ bytesUploaded: bytes });
    return upload(target, segments, plan.parts, options, report);
  };
  const { etag, versionId } = await write();
  progress.update({ phase: "done", bytesUploaded: plan.size });
  return {
    size: plan.size,
    version: etag,
    versionId,
    location: target.label,
    copiedBytes: plan.copied,
    readBytes: plan.read,
    uploadedBytes: plan.size - plan.copied,
  };
}

/** Writes the temporary objects of a plan, copies them into the final object, and deletes them in any case. */
async function writeStages(
  context: CombineContext,
  target: UploadTarget,
  segments: readonly Segment[],
  plan: CopyPlan,
  options: StoreCombineOptions,
): Promise<StoredObject> {
  const id = crypto.randomUUID();
  const stages: UploadTarget[] = [];
  const staged: Segment[] = [];
  try {
    for (const [i, parts] of plan.stages.entries()) {
      const location = { ...context.location, key: `${context.location.key}.peekpack-stage-${id}-${i}` };
      const stage = await context.target(location, "create");
      stages.push(stage);
      const { etag } = await upload(stage, segments, parts, options);
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      staged.push({
        piece: { kind: "object", start: 0, end: size, objectSize: size },
        from: { ...location, ...(etag === undefined ? {} : { ifMatch: etag }) },
        read: sourceReader(context.source(location, etag), 0),
      });
    }
    return await upload(target, staged, plan.parts, options);
  } finally {
    for (const stage of stages) await stage.removeObject?.().catch(() => {});
  }
}

async function upload(
  target: UploadTarget,
  segments: readonly Segment[],
  planned: readonly PlannedPart[],
  { signal, concurrency }: StoreCombineOptions,
  onBytes?: (bytes: number) => void,
): Promise<StoredObject> {
  // Copied parts have no checksum, and an upload has checksums for all of its parts or for none.
  const open = await target.createUpload({ signal, checksums: false });
  const parts: UploadedPart[] = [];
  let bytes = 0;
  const makePart = async (
    { copied, runs, size }: PlannedPart,
    number: number,
    inner: AbortSignal,
  ): Promise<UploadedPart> => {
    const { from, piece } = segments[runs[0]!.piece]!;
    if (copied && from !== undefined && piece.kind === "object") {
      const [{ start, end }] = runs as [Run];
      const range = { start: piece.start + start, end: piece.start + end };
      try {
        return await target.copyPart!(open, number, { ...from, ...range }, { signal: inner });
      } catch (error) {
        throw isCopyRefusal(error) ? new CopyRefused(error) : error;
      }
    }
    const body = await assemble(segments, runs, size, inner);
    return target.uploadPart(open, number, body, { signal: inner });
  };
  try {
    await forEachConcurrently(planned, checkConcurrency(concurrency), signal, async (part, index, inner) => {
      parts[index] = await makePart(part, index + 1, inner);
      bytes += part.size;
      onBytes?.(bytes);
    });
    return await target.completeUpload(open, parts, { signal });
  } catch (error) {
    // Reports the first error. A sweep finds what cannot be removed now.
    await target.abortUpload(open).catch(() => {});
    throw error;
  }
}

async function assemble(
  segments: readonly Segment[],
  runs: readonly Run[],
  size: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const body = new Uint8Array(size);
  let offset = 0;
  for (const { piece, start, end } of runs) {
    body.set(await segments[piece]!.read(start, end, signal), offset);
    offset += end - start;
  }
  return body;
}
