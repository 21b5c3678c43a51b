import { isPeekpackError, PeekpackError, type WriteResult } from "@peekpack/core";
import { crc32 } from "@peekpack/core/internal";
import { type UploadJournal, uploadContent } from "../upload.js";
import type { UploadTarget } from "../upload-target.js";
import type { Spool, SpooledArchive } from "./spool.js";
import type { SpoolUploadOptions } from "./spool-options.js";

/** Options of {@link uploadSpool}. */
export interface UploadSpoolOptions extends SpoolUploadOptions {
  /** Leaves the parts on the server if the upload fails. */
  readonly keepParts: boolean;
  /** Removes a part here as soon as the server has confirmed it. Default false. */
  readonly removeUploaded?: boolean | undefined;
}

/**
 * Uploads the archive of a spool, or continues its upload, and removes the spool when the object is stored. If it fails, the spool
 * stays.
 */
export async function uploadSpool(
  spool: Spool,
  archive: SpooledArchive,
  target: UploadTarget,
  { keepParts, removeUploaded = false, threshold, concurrency, signal, onProgress }: UploadSpoolOptions,
): Promise<WriteResult> {
  const { partSize, upload, committing, abandoned, begun } = spool.state;
  try {
    const { size, etag, versionId } = await uploadContent(withOnlyCopy(target, spool), archive, {
      partSize,
      threshold: threshold ?? partSize,
      concurrency,
      signal,
      onProgress,
      journal: uploadJournal(spool, removeUploaded),
      again: committing,
      keepParts,
      resume: upload,
      // The same in every process that uploads this spool.
      mark: `spool-${begun.getTime().toString(36)}-${crc32(archive.header).toString(36)}`,
    });
    for (const old of abandoned) await target.abortUpload(old, { signal }).catch(() => {});
    // The object is stored. If the spool cannot be removed, it stays listed, and resuming it finds the object.
    await spool.storage.remove().catch(() => {});
    return { size, version: etag, versionId, location: target.label };
  } catch (thrown) {
    const error = thrown instanceof FinalError ? thrown.error : thrown;
    await spool.record({ failure: isPeekpackError(error) ? error.code : "stopped" }).catch(() => {});
    throw error;
  }
}

/** Records the steps of an upload. A part is removed only after the journal records that the server has it. */
function uploadJournal(spool: Spool, removeUploaded: boolean): UploadJournal {
  const { parts } = spool.storage;
  return {
    begun: (upload, partSize) => spool.record({ upload, partSize }),
    async uploaded(part) {
      await spool.record({ part });
      if (!removeUploaded || parts.remove === undefined) return;
      if (!spool.state.partsRemoved) await spool.record({ partsRemoved: true });
      await parts.remove(part.number);
    },
    committing: () => spool.record({ committing: true }),
    // An error here would hide the one that the upload was abandoned for. Without its record, the upload stays listed.
    abandoned: ({ id }, gone) => spool.record({ abandoned: id, gone }).catch(() => {}),
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
      throw spool.state.partsRemoved ? new FinalError(error) : error;
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
        const { partsRemoved, committing } = spool.state;
        // It may be gone because it is complete. Completing once more finds out.
        if (!gone || !partsRemoved || committing) throw error;
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
