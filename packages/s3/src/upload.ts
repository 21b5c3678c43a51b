import { isPeekpackError } from "@peekpack/core";
import { choosePartSize, DEFAULT_PART_SIZE, S3_LIMITS } from "./limits.js";
import { type ProgressListener, type ProgressReporter, progressReporter } from "./progress.js";
import { S3Error } from "./s3-error.js";
import type { OpenUpload, StoredObject, UploadedPart, UploadTarget } from "./upload-target.js";

/** Finished bytes that can be read by position, as often as needed: a spool. */
export interface UploadContent {
  /** Bytes. */
  readonly size: number;
  /** Reads bytes `start` to `end`, exclusive, into an array that the caller may keep. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** How an upload has gone so far: what a journal needs to go on after a crash. Plain data. */
export interface UploadState {
  readonly upload: OpenUpload;
  /** Size of every part but the last, in bytes. */
  readonly partSize: number;
  /** The parts that the server has confirmed, in any order. */
  readonly parts: readonly UploadedPart[];
}

/** Told what a later process needs to know. Each call is waited for before the upload goes on. */
export interface UploadJournal {
  /** A multipart upload has begun; it replaces any earlier one. */
  begun(upload: OpenUpload, partSize: number): Promise<void>;
  /** The server has confirmed a part. */
  uploaded(part: UploadedPart): Promise<void>;
  /** What makes the object appear is about to be sent. */
  committing(): Promise<void>;
  /** The upload was given up; `gone` tells whether the server has confirmed that nothing is left of it. */
  abandoned(upload: OpenUpload, gone: boolean): Promise<void>;
}

/** How content is uploaded. */
export interface UploadOptions {
  /** Size of every part but the last in bytes. Default 16 MiB, more where 10,000 parts would not do. */
  readonly partSize?: number | undefined;
  /** Parts under way at once, which is also how many are in memory. Default 4. */
  readonly concurrency?: number | undefined;
  /** Content of at most so many bytes goes up as one PUT. Default 16 MiB. */
  readonly threshold?: number | undefined;
  /** Ends the upload; it then fails with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
  readonly journal?: UploadJournal | undefined;
  /** An upload to go on with. It is compared with what the server has; where it is gone, another begins. */
  readonly resume?: UploadState | undefined;
  /** Whether an earlier process may have sent what makes the object appear. */
  readonly again?: boolean | undefined;
  /** Leaves the parts on the server when the upload fails, so that it can be resumed. Default false. */
  readonly keepParts?: boolean | undefined;
}

/**
 * Uploads content: one PUT where it is small, else parts in parallel, each read when its turn comes. When it fails,
 * what had been uploaded is removed, and the object is as it was.
 * @throws PeekpackError as {@link UploadTarget} does; the signal's reason when it aborts
 * @throws RangeError when the options exceed S3's limits
 */
export async function uploadContent(
  target: UploadTarget,
  content: UploadContent,
  options: UploadOptions = {},
): Promise<StoredObject> {
  const { signal, journal, again, resume, keepParts = false } = options;
  const { size } = content;
  const concurrency = checkConcurrency(options.concurrency);
  const partSize = choosePartSize({ size, partSize: options.partSize });
  const threshold = Math.min(options.threshold ?? DEFAULT_PART_SIZE, S3_LIMITS.put);
  const progress = progressReporter(options.onProgress);
  signal?.throwIfAborted();
  progress.update({ phase: "uploading", bytesProduced: size, totalBytes: size });

  // A multipart upload needs a part, and a part needs a byte.
  if (resume === undefined && (size <= threshold || size === 0)) {
    progress.update({ parts: { uploaded: 0, total: 1 } });
    const body = await content.read(0, size);
    await journal?.committing();
    const stored = await target.putObject(body, { signal, again });
    progress.update({ phase: "done", bytesUploaded: size, parts: { uploaded: 1, total: 1 } });
    return stored;
  }

  let state = resume === undefined ? undefined : await survivingState(target, resume, signal, again ?? false);
  for (let restarts = 0; ; restarts++) {
    let upload: OpenUpload | undefined = state?.upload;
    try {
      if (state === undefined) {
        upload = await target.createUpload({ signal });
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
      // Swept away by somebody, to be begun anew as S3 asks after a collision, or what a server has left that was killed while
      // it completed the upload, and never completes now (rustfs 1.0 answers 500): the content is still here.
      const broken = resume !== undefined && error instanceof S3Error && error.status === 500;
      const useless = broken || isCode(error, "not-found", "conflict");
      const anew = restarts === 0 && !signal?.aborted && useless && upload !== undefined;
      if (upload !== undefined && (anew || !keepParts)) {
        const gone = await target.abortUpload(upload).then(
          () => true,
          () => false,
        );
        await journal?.abandoned(upload, gone);
      }
      if (!anew) throw error;
      state = undefined;
    }
  }
}

/** What is left of an upload on the server: the parts that are there as the journal has them. */
async function survivingState(
  target: UploadTarget,
  state: UploadState,
  signal: AbortSignal | undefined,
  committing: boolean,
): Promise<UploadState | undefined> {
  try {
    const there = new Map<number, UploadedPart>();
    for (const part of await target.listParts(state.upload, { signal })) there.set(part.number, part);
    const parts = state.parts.filter((part) => {
      const other = there.get(part.number);
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
    // Completed, if it had come so far: completing once more finds that out. Else it begins anew.
    return committing ? state : undefined;
  }
}

/** Uploads the parts that are missing, a few at a time. The first failure stops the others, and all have ended then. */
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
  const tell = (): void =>
    progress.update({
      bytesUploaded: [...done.values()].reduce((sum, part) => sum + part.size, 0),
      parts: { uploaded: done.size, total },
    });
  tell();

  const controller = new AbortController();
  const follow = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", follow);
  let next = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      controller.signal.throwIfAborted();
      const number = missing[next++];
      if (number === undefined) return;
      const start = (number - 1) * partSize;
      const body = await content.read(start, Math.min(start + partSize, content.size));
      const part = await target.uploadPart(upload, number, body, { signal: controller.signal });
      done.set(number, part);
      await journal?.uploaded(part);
      tell();
    }
  };
  try {
    signal?.throwIfAborted();
    const workers = Array.from({ length: Math.min(concurrency, missing.length) }, () =>
      work().catch((error: unknown) => {
        controller.abort(error);
        throw error;
      }),
    );
    // All of them have to end before the upload is given up, or a late part would bring it back.
    await Promise.allSettled(workers);
    if (controller.signal.aborted) throw controller.signal.reason;
  } finally {
    signal?.removeEventListener("abort", follow);
  }
  return [...done.values()].sort((a, b) => a.number - b.number);
}

/** @throws RangeError unless it is a positive integer */
export function checkConcurrency(concurrency: number = 4): number {
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new RangeError("concurrency is a positive integer.");
  }
  return concurrency;
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return isPeekpackError(error) && codes.includes(error.code);
}
