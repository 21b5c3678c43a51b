import { isPeekpackError } from "@peekpack/core";
import { checkConcurrency, forEachConcurrently } from "./concurrency.js";
import { choosePartSize, DEFAULT_PART_SIZE, S3_LIMITS } from "./limits.js";
import { S3Error } from "./s3-error.js";
import { type ProgressListener, type ProgressReporter, progressReporter } from "./upload-progress.js";
import type { OpenUpload, StoredObject, UploadedPart, UploadTarget } from "./upload-target.js";
import { checkMark } from "./write-mark.js";

/** Finished bytes that can be read repeatedly at any offset, as of a spool. */
export interface UploadContent {
  /** Bytes. */
  readonly size: number;
  /** Reads bytes `start` to `end`, exclusive, into a new array. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** The CRC32 of bytes `start` to `end`, if it is known without reading them. */
  crc32?(start: number, end: number): number | undefined;
}

/** The state of an upload, so that another process can resume it. Plain data for a journal. */
export interface UploadState {
  readonly upload: OpenUpload;
  /** Size of every part but the last, in bytes. */
  readonly partSize: number;
  /** The parts that the server has confirmed, in any order. */
  readonly parts: readonly UploadedPart[];
}

/** Records the state of an upload. The upload waits for each call. */
export interface UploadJournal {
  /** A multipart upload has begun. It replaces any earlier one. */
  begun(upload: OpenUpload, partSize: number): Promise<void>;
  /** The server has confirmed a part. */
  uploaded(part: UploadedPart): Promise<void>;
  /** The request that makes the object appear is about to be sent. */
  committing(): Promise<void>;
  /** The upload was abandoned. `gone`: the server has confirmed that nothing of it is left. */
  abandoned(upload: OpenUpload, gone: boolean): Promise<void>;
}

/** Options of {@link uploadContent}. */
export interface UploadOptions {
  /** Size of every part but the last in bytes. Default 16 MiB, more if 10,000 parts would not hold the content. */
  readonly partSize?: number | undefined;
  /** Parts that are uploaded at once. Each is in memory. Default 4. */
  readonly concurrency?: number | undefined;
  /** Content of at most this many bytes is uploaded by one PUT. Default 16 MiB. */
  readonly threshold?: number | undefined;
  /** Ends the upload, which rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
  readonly journal?: UploadJournal | undefined;
  /** An upload to resume. It is compared with the server's parts. If it does not exist any more, another begins. */
  readonly resume?: UploadState | undefined;
  /** Whether an earlier process may have sent the request that makes the object appear. */
  readonly again?: boolean | undefined;
  /** Identifies the write across processes, see {@link CommitOptions.mark}. Default: random. */
  readonly mark?: string | undefined;
  /** Leaves the parts on the server if the upload fails, so that it can be resumed. Default false. */
  readonly keepParts?: boolean | undefined;
}

/**
 * Uploads content: by one PUT if it is small, else in concurrent parts. Reads each part when it is sent. If the upload fails, it
 * removes the uploaded parts, and the object is unchanged.
 * @throws PeekpackError as {@link UploadTarget} does; the signal's reason if it aborts
 * @throws RangeError if the options exceed S3's limits
 */
export async function uploadContent(
  target: UploadTarget,
  content: UploadContent,
  options: UploadOptions = {},
): Promise<StoredObject> {
  const { signal, journal, again, resume, keepParts = false } = options;
  // One for the write, also if the target repeats a request.
  const mark = checkMark(options.mark);
  const { size } = content;
  const concurrency = checkConcurrency(options.concurrency);
  const partSize = choosePartSize({ size, partSize: options.partSize });
  const threshold = Math.min(options.threshold ?? DEFAULT_PART_SIZE, S3_LIMITS.put);
  const progress = progressReporter(options.onProgress);
  signal?.throwIfAborted();
  progress.update({ phase: "uploading", bytesProduced: size, totalBytes: size });

  // A multipart upload has at least one part, and a part at least one byte.
  if (resume === undefined && (size <= threshold || size === 0)) {
    progress.update({ parts: { uploaded: 0, total: 1 } });
    const body = await content.read(0, size);
    await journal?.committing();
    const stored = await target.putObject(body, { signal, again, mark });
    progress.update({ phase: "done", bytesUploaded: size, parts: { uploaded: 1, total: 1 } });
    return stored;
  }

  let state = resume === undefined ? undefined : await resumableState(target, resume, signal, again ?? false);
  for (let restarts = 0; ; restarts++) {
    let upload: OpenUpload | undefined = state?.upload;
    try {
      if (state === undefined) {
        upload = await target.createUpload({ signal, mark });
        state = { upload, partSize, parts: [] };
        await journal?.begun(upload, partSize);
      }
      const parts = await uploadParts(target, content, state, { concurrency, progress, signal, journal });
      progress.update({ phase: "completing" });
      await journal?.committing();
      const stored = await target.completeUpload(state.upload, parts, { signal, again });
      progress.update({ phase: "done" });
      return stored;
    } catch (error) {
      // The upload was removed, or collided with another (S3 asks to begin again), or its server was killed while it
      // completed it and cannot complete it any more (rustfs 1.0 responds 500).
      const broken = resume !== undefined && error instanceof S3Error && error.status === 500;
      const unusable = broken || isCode(error, "not-found", "conflict");
      const restart = restarts === 0 && !signal?.aborted && unusable && upload !== undefined;
      if (upload !== undefined && (restart || !keepParts)) {
        const gone = await target.abortUpload(upload).then(
          () => true,
          () => false,
        );
        await journal?.abandoned(upload, gone);
      }
      if (!restart) throw error;
      state = undefined;
    }
  }
}

/** The state with the parts that are on the server as the journal recorded them. Undefined if the upload does not exist. */
async function resumableState(
  target: UploadTarget,
  state: UploadState,
  signal: AbortSignal | undefined,
  committing: boolean,
): Promise<UploadState | undefined> {
  try {
    const listed = new Map<number, UploadedPart>();
    for (const part of await target.listParts(state.upload, { signal })) listed.set(part.number, part);
    const parts = state.parts.filter((part) => {
      const other = listed.get(part.number);
      return (
        other !== undefined &&
        other.size === part.size &&
        other.etag === part.etag &&
        (other.crc32 ?? part.crc32) === part.crc32
      );
    });
    return { ...state, parts };
  } catch (error) {
    if (!isCode(error, "not-found")) throw error;
    // The upload may have been completed. Completing it again finds out.
    return committing ? state : undefined;
  }
}

/** Uploads the missing parts. Rejects when all requests have ended: a late part would recreate an aborted upload. */
async function uploadParts(
  target: UploadTarget,
  content: UploadContent,
  { upload, partSize, parts: known }: UploadState,
  options: {
    readonly concurrency: number;
    readonly progress: ProgressReporter;
    readonly signal: AbortSignal | undefined;
    readonly journal: UploadJournal | undefined;
  },
): Promise<UploadedPart[]> {
  const { concurrency, progress, signal, journal } = options;
  const total = Math.ceil(content.size / partSize);
  const done = new Map(known.map((part) => [part.number, part]));
  const missing: number[] = [];
  for (let number = 1; number <= total; number++) if (!done.has(number)) missing.push(number);
  const report = (): void =>
    progress.update({
      bytesUploaded: [...done.values()].reduce((sum, part) => sum + part.size, 0),
      parts: { uploaded: done.size, total },
    });
  report();
  await forEachConcurrently(missing, concurrency, signal, async (number, _, inner) => {
    const start = (number - 1) * partSize;
    const end = Math.min(start + partSize, content.size);
    const body = await content.read(start, end);
    const options = { signal: inner, crc32: content.crc32?.(start, end) };
    done.set(number, await target.uploadPart(upload, number, body, options));
    await journal?.uploaded(done.get(number)!);
    report();
  });
  return [...done.values()].sort((a, b) => a.number - b.number);
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return isPeekpackError(error) && codes.includes(error.code);
}
