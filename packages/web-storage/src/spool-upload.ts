import { isPeekpackError, PeekpackError, type WriteResult } from "@peekpack/core";
import { crc32 } from "@peekpack/core/internal";
import type { UploadTarget } from "@peekpack/s3";
import {
  type StoredObject,
  type UploadContent,
  type UploadedPart,
  type UploadJournal,
  uploadContent,
} from "@peekpack/s3/internal";
import { withOfflineRetry } from "./offline-retry.js";
import { type Spool, spoolSize } from "./spool.js";
import type { SpoolUploadOptions } from "./spool-options.js";
import { spoolProgress } from "./spool-progress.js";

/**
 * Uploads a sealed spool, or continues its upload, and removes the spool when the object is stored. If it fails, the spool
 * and the parts on the server stay.
 */
export async function uploadSpool(
  spool: Spool,
  target: UploadTarget,
  options: SpoolUploadOptions,
): Promise<WriteResult> {
  const { signal, concurrency, meter, removeUploaded = false } = options;
  const { head } = spool;
  const size = spoolSize(spool);
  const progress = spoolProgress(options.onProgress, meter);
  const protectedTarget = withOnlyCopy(withOfflineRetry(target), spool);
  try {
    const stored = await uploadContent(protectedTarget, spoolContent(spool, size), {
      partSize: head.partSize,
      threshold: options.threshold ?? head.partSize,
      concurrency,
      signal,
      journal: uploadJournal(spool, removeUploaded),
      again: head.state === "committing",
      keepParts: true,
      ...(head.upload === undefined
        ? {}
        : {
            resume: { upload: head.upload, partSize: head.partSize, parts: [...spool.uploaded.values()] },
          }),
      onProgress: progress.update,
    });
    // The object is stored. A spool that cannot be removed now is removed later.
    await spool.remove().catch(() => {});
    return writeResult(target, stored);
  } catch (thrown) {
    const error = thrown instanceof FinalError ? thrown.error : thrown;
    const failure = isPeekpackError(error) ? error.code : "stopped";
    await spool.update({ failure }).catch(() => {});
    throw error;
  } finally {
    progress.end();
  }
}

function writeResult({ label }: UploadTarget, { size, etag, versionId }: StoredObject): WriteResult {
  return { size, version: etag ?? versionId, location: label };
}

/** Reads a sealed part and checks it. Empty if the archive has no such part. @throws PeekpackError `truncated`, `corrupt` */
export async function readPart(
  { head, sealed, parts }: Spool,
  number: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const expected = sealed.get(number);
  if (expected === undefined) return new Uint8Array(0);
  const bytes = await parts.read(head.id, number, 0, Number.MAX_SAFE_INTEGER);
  if (bytes.length !== expected.size)
    throw damaged("truncated", number, `it has ${bytes.length} of ${expected.size} bytes`);
  if (crc32(bytes) !== expected.crc32) throw damaged("corrupt", number, "its bytes have changed");
  return bytes;
}

/** The header and the sealed parts in upload order. Each part is checked when it is read. */
function spoolContent(spool: Spool, size: number): UploadContent {
  const { partSize, header = new Uint8Array(0) } = spool.head;
  return {
    size,
    async read(start, end) {
      // A range is one part, or the whole archive for a single PUT.
      const first = start / partSize;
      if (first > 0 && end - start <= partSize) return readPart(spool, first + 1);
      const whole = new Uint8Array(end - start);
      let at = 0;
      for (let number = first + 1; at < whole.length; number++) {
        if (number === 1) {
          whole.set(header);
          at = header.length;
        }
        const bytes = await readPart(spool, number);
        whole.set(bytes, at);
        at += bytes.length;
        if (bytes.length === 0) break;
      }
      return whole;
    },
  };
}

function damaged(code: "truncated" | "corrupt", number: number, reason: string): PeekpackError {
  return new PeekpackError(code, `Part ${number} of the spool is damaged: ${reason}.`, { section: "spool" });
}

/** Records the steps of an upload. A part is removed only after the journal records that the server has it. */
function uploadJournal(spool: Spool, removeUploaded: boolean): UploadJournal {
  return {
    begun: (upload) => spool.update({ state: "uploading", upload }, true),
    async uploaded(part: UploadedPart) {
      await spool.journal.uploaded(spool.head.id, part);
      if (!removeUploaded) return;
      if (!spool.head.partsRemoved) await spool.update({ partsRemoved: true });
      await spool.parts.remove(spool.head.id, part.number);
    },
    committing: () => spool.update({ state: "committing" }),
    async abandoned(upload, gone) {
      const abandoned = gone ? spool.head.abandoned : [...spool.head.abandoned, upload];
      // An error here would hide the one that the upload was abandoned for.
      await spool.update({ state: "sealed", upload: undefined, abandoned }, true).catch(() => {});
    },
  };
}

/** Hides an error from `uploadContent`, which would start another upload because of it. */
class FinalError {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/**
 * Prevents that an upload is abandoned for another one when the server has the only copy of its parts, because they were
 * removed here.
 */
function withOnlyCopy(target: UploadTarget, spool: Spool): UploadTarget {
  const final = async <T>(request: Promise<T>): Promise<T> => {
    try {
      return await request;
    } catch (error) {
      throw spool.head.partsRemoved ? new FinalError(error) : error;
    }
  };
  return {
    label: target.label,
    put: target.put,
    putObject: (...args) => target.putObject(...args),
    createUpload: (...args) => target.createUpload(...args),
    uploadPart: (...args) => final(target.uploadPart(...args)),
    async listParts(...args) {
      try {
        return await target.listParts(...args);
      } catch (error) {
        const gone = isPeekpackError(error) && error.code === "not-found";
        // It may be gone because it is complete. Completing once more finds out.
        if (!gone || !spool.head.partsRemoved || spool.head.state === "committing") throw error;
        throw new FinalError(
          new PeekpackError(
            "truncated",
            "The server has removed the upload, and with it the only copy of its parts.",
            { section: "spool", cause: error },
          ),
        );
      }
    },
    completeUpload: (...args) => final(target.completeUpload(...args)),
    abortUpload: (...args) => target.abortUpload(...args),
  };
}
