import { type RangeSource, type RequestLimiter, requestLimiter, type WriteResult } from "@peekpack/core";
import type { ReplacingRequest } from "./capability.js";
import { checkConcurrency, forEachConcurrently, mapConcurrently, READ_CONCURRENCY } from "./concurrency.js";
import { type CopyLimits, type CopyPlan, type PlannedPart, planCopy, type Run } from "./copy-plan.js";
import { DEFAULT_PART_SIZE } from "./limits.js";
import type { ObjectLocation } from "./location.js";
import { S3Error } from "./s3-error.js";
import { type Segment, sourceReader } from "./segment.js";
import { type ProgressListener, progressReporter } from "./upload-progress.js";
import type { PutMode, StoredObject, UploadedPart, UploadTarget } from "./upload-target.js";

/** How an object is made of bytes that the server copies. */
export interface ServerCopyOptions {
  /** Makes all parts but the last of this many bytes, as some services (R2) require. */
  readonly equalPartSize?: number | undefined;
  /**
   * Maximum number of concurrent requests that write, and of those that read. Default 4 that write, each with a part in memory, and
   * 32 that read.
   */
  readonly concurrency?: number | undefined;
  /** Whether the server may copy. If false, all bytes are read and uploaded. Default true. */
  readonly copy?: boolean | undefined;
  readonly onProgress?: ProgressListener | undefined;
  /** Ends the write, which rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The object, and the bytes that were transferred for it. */
export interface ServerCopyResult extends WriteResult {
  /** Bytes that the server copied. */
  readonly copiedBytes: number;
  /** Bytes of objects on S3 that were read, because they were too short to copy or the server copies none. */
  readonly readBytes: number;
  /** Bytes that were uploaded. */
  readonly uploadedBytes: number;
  /** Why the server did not copy, or why archives were compressed or decompressed, if they were. */
  readonly notice?: string | undefined;
}

/** What writing an object needs of a store. */
export interface SegmentContext {
  /** The object to write. */
  readonly location: ObjectLocation;
  /** Replaces S3's limits in tests. */
  readonly limits?: CopyLimits | undefined;
  source(location: ObjectLocation, version?: string): RangeSource;
  target(location: ObjectLocation, put: PutMode): Promise<UploadTarget>;
}

/** Rejects if a request would not replace the object safely. */
export type CheckRequest = (request: ReplacingRequest) => Promise<void>;

/** Writes the object. If the server cannot copy, reads and uploads everything, and the result says so. */
export async function writeSegments(
  context: SegmentContext,
  segments: readonly Segment[],
  put: PutMode,
  options: ServerCopyOptions,
  check?: CheckRequest,
): Promise<ServerCopyResult> {
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
  context: SegmentContext,
  target: UploadTarget,
  segments: readonly Segment[],
  copy: boolean,
  options: ServerCopyOptions,
  check?: CheckRequest,
): Promise<ServerCopyResult> {
  const { signal, equalPartSize } = options;
  const plan = planCopy(
    segments.map(({ piece }) => piece),
    { equalPartSize, copy, limits: context.limits },
  );
  const reads = requestLimiter(options.concurrency ?? READ_CONCURRENCY);
  const progress = progressReporter(options.onProgress);
  progress.update({ phase: "uploading", bytesProduced: plan.size, totalBytes: plan.size });
  const write = async (): Promise<StoredObject> => {
    if (plan.copied === 0 && plan.size <= DEFAULT_PART_SIZE) {
      await check?.("put");
      const runs = plan.parts.flatMap((part) => part.runs);
      return target.putObject(await assemble(segments, runs, plan.size, reads, signal), { signal });
    }
    await check?.("complete");
    if (plan.stages.length > 0) return writeStages(context, target, segments, plan, reads, options);
    const report = (bytes: number): void => progress.update({ bytesUploaded: bytes });
    return upload(target, segments, plan.parts, reads, options, report);
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
  context: SegmentContext,
  target: UploadTarget,
  segments: readonly Segment[],
  plan: CopyPlan,
  reads: RequestLimiter,
  options: ServerCopyOptions,
): Promise<StoredObject> {
  const id = crypto.randomUUID();
  const stages: UploadTarget[] = [];
  const staged: Segment[] = [];
  try {
    for (const [i, parts] of plan.stages.entries()) {
      const location = { ...context.location, key: `${context.location.key}.peekpack-stage-${id}-${i}` };
      const stage = await context.target(location, "create");
      stages.push(stage);
      const { etag } = await upload(stage, segments, parts, reads, options);
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      staged.push({
        piece: { kind: "object", start: 0, end: size, objectSize: size },
        from: { ...location, ...(etag === undefined ? {} : { ifMatch: etag }) },
        read: sourceReader(context.source(location, etag), 0),
      });
    }
    return await upload(target, staged, plan.parts, reads, options);
  } finally {
    for (const stage of stages) await stage.removeObject?.().catch(() => {});
  }
}

async function upload(
  target: UploadTarget,
  segments: readonly Segment[],
  planned: readonly PlannedPart[],
  reads: RequestLimiter,
  { signal, concurrency }: ServerCopyOptions,
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
    const body = await assemble(segments, runs, size, reads, inner);
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

/** Reads the bytes of a part. Short segments are many, so they are read at once. */
async function assemble(
  segments: readonly Segment[],
  runs: readonly Run[],
  size: number,
  reads: RequestLimiter,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const body = new Uint8Array(size);
  let next = 0;
  const placed = runs.map((run) => {
    const offset = next;
    next += run.end - run.start;
    return { ...run, offset };
  });
  await mapConcurrently(placed, reads.concurrency, signal, ({ piece, start, end, offset }, inner) =>
    reads.run(async () => body.set(await segments[piece]!.read(start, end, inner), offset), {
      signal: inner,
    }),
  );
  return body;
}
