import { join } from "node:path";
import { type ArchiveSink, isPeekpackError, PeekpackError, type WriteResult } from "@peekpack/core";
import type { ProgressListener, UploadTarget } from "@peekpack/s3";
import {
  progressReporter,
  type StoredObject,
  type UploadContent,
  type UploadJournal,
  uploadContent,
} from "@peekpack/s3/internal";
import { withFileErrors } from "./file-error.js";
import { GrowingFile, type GrowthLimits } from "./growing-file.js";
import { defaultSpoolDirectory, SpoolPlace } from "./spool-directory.js";
import { SpoolJournal } from "./spool-journal.js";
import { fileTableSpill } from "./table-spill.js";

/** How a finished spool is uploaded. */
export interface SpoolUploadOptions {
  /** Size of every part but the last in bytes. Default 16 MiB, more where 10,000 parts would not do. */
  readonly partSize?: number | undefined;
  /** Parts under way at once, which is also how many are in memory. Default 4. */
  readonly concurrency?: number | undefined;
  /** An archive of at most so many bytes goes up as one PUT. Default 16 MiB. */
  readonly threshold?: number | undefined;
  readonly onProgress?: ProgressListener | undefined;
  /** Ends the write or the upload, which then reject with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How a spool is filled and uploaded. */
export interface SpoolSinkOptions extends SpoolUploadOptions, GrowthLimits {
  /** Where the temporary files lie. Default a directory of this user's below the system's temporary one. */
  readonly directory?: string | undefined;
  /**
   * Keeps a finished archive whose upload fails: `pendingUploads` lists it, and `resumeUpload` goes on where it stopped. The
   * archive is then also brought to the disk before it goes up, so that it outlives the machine's end. Default false: a
   * failed write leaves nothing behind.
   */
  readonly durable?: boolean | undefined;
}

/**
 * Fills a temporary file and uploads it when the archive is complete: one PUT when it is small, else parts in parallel.
 * Memory stays at a few parts. Whatever fails, the old object is untouched; the multipart upload and the temporary file
 * are removed, unless `durable` asks to keep them. After a crash `pendingUploads` lists what is left.
 * @throws PeekpackError from its calls: `quota` when the disk or `maxBytes` is exceeded, and what the target throws
 */
export function spoolSink(target: UploadTarget, options: SpoolSinkOptions = {}): ArchiveSink {
  const { directory = defaultSpoolDirectory(), durable = false, signal } = options;
  const doing = `spool to ${directory}`;
  const progress = progressReporter(options.onProgress);
  let state: "open" | "finished" | "failed" = "open";
  let opening: Promise<OpenSpool> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const discard = async (): Promise<void> => {
    const spool = await opening?.catch(() => undefined);
    opening = undefined;
    await spool?.file.close().catch(() => {});
    await spool?.place.remove();
  };
  /** One call after the other; a failed one gives up the whole. */
  const step = <T>(work: (spool: OpenSpool) => Promise<T>): Promise<T> => {
    const result = last.then(async () => {
      if (state !== "open") throw new PeekpackError("closed", "This sink is closed.", { section: "sink" });
      try {
        signal?.throwIfAborted();
        opening ??= openSpool(target, directory, options);
        return await withFileErrors(doing, "spool", async () => work(await opening!));
      } catch (error) {
        state = "failed";
        await discard().catch(() => {});
        throw error;
      }
    });
    last = result.catch(() => {});
    return result;
  };

  return {
    label: target.label,
    write: (chunk) =>
      step(async ({ file }) => {
        await file.append(chunk);
        progress.update({ bytesProduced: file.size }, true);
      }),
    spill: () => step(({ place }) => fileTableSpill(join(place.path, "table"))),
    finish: (header) =>
      step(async (spool): Promise<WriteResult> => {
        const { file, journal } = spool;
        await (durable ? file.sync() : file.flush());
        const bodySize = file.size;
        await journal.sealed(header, bodySize, durable);
        signal?.throwIfAborted();
        let stored: StoredObject;
        try {
          const upload = { ...options, keepParts: durable };
          stored = await uploadSpool(target, spoolContent(header, bodySize, file), journal, upload);
        } catch (error) {
          await file.close();
          if (await keepFailed(spool, durable, error).catch(() => false)) opening = undefined;
          throw error;
        }
        state = "finished";
        // The archive is there. Should the spool resist, it stays listed, and resuming it finds the archive.
        await discard().catch(() => {});
        return writeResult(stored, target);
      }),
    async abort() {
      if (state === "open") state = "failed";
      await last;
      await discard();
    },
  };
}

interface OpenSpool {
  readonly place: SpoolPlace;
  readonly file: GrowingFile;
  readonly journal: SpoolJournal;
}

async function openSpool(target: UploadTarget, directory: string, limits: GrowthLimits): Promise<OpenSpool> {
  const place = await SpoolPlace.create(directory);
  try {
    const journal = new SpoolJournal(place.journal);
    await journal.begin(target.label, target.put);
    return { place, journal, file: await GrowingFile.create(place.body, 0, limits) };
  } catch (error) {
    await place.remove().catch(() => {});
    throw error;
  }
}

/** The archive as it goes up: the header, which the journal keeps, in front of the body's file. */
export function spoolContent(
  header: Uint8Array,
  bodySize: number,
  body: { read(start: number, end: number): Promise<Uint8Array> },
): UploadContent {
  const front = header.length;
  return {
    size: front + bodySize,
    async read(start, end) {
      const rest = await body.read(Math.max(0, start - front), Math.max(0, end - front));
      if (start >= front) return rest;
      const head = header.subarray(start, Math.min(end, front));
      const both = new Uint8Array(head.length + rest.length);
      both.set(head);
      both.set(rest, head.length);
      return both;
    },
  };
}

/** Uploads, with every step written to the spool's journal. */
export function uploadSpool(
  target: UploadTarget,
  content: UploadContent,
  journal: SpoolJournal,
  options: Parameters<typeof uploadContent>[2],
): Promise<StoredObject> {
  const told: UploadJournal = {
    begun: (upload, partSize) => journal.upload(upload, partSize),
    uploaded: (part) => journal.part(part),
    committing: () => journal.committing(),
    abandoned: (upload, gone) => journal.abandoned(upload, gone),
  };
  return uploadContent(target, content, { ...options, journal: told });
}

/**
 * Leaves behind of a failed upload what is still of use: the whole spool where that was asked for; else the journal alone,
 * where the server could not confirm that the multipart upload is gone. That goes to the default directory, so that the
 * spool's own is left empty. Whether the spool stays where it is.
 */
async function keepFailed({ place, journal }: OpenSpool, durable: boolean, error: unknown): Promise<boolean> {
  const failure = isPeekpackError(error) ? error.code : "stopped";
  if (durable) {
    await journal.failed(failure);
    await place.release();
    return true;
  }
  if ((await journal.state())?.upload === undefined) return false;
  const kept = await SpoolPlace.create(defaultSpoolDirectory());
  await (await journal.copyTo(kept.journal, place.directory)).failed(failure);
  await kept.release();
  return false;
}

export function writeResult(stored: StoredObject, target: UploadTarget): WriteResult {
  return { size: stored.size, version: stored.etag ?? stored.versionId, location: target.label };
}
