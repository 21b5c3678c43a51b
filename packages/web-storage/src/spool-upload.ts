import { isPeekpackError, PeekpackError, type WriteResult } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import {
  type StoredObject,
  type UploadContent,
  type UploadedPart,
  type UploadJournal,
  uploadContent,
} from "@peekpack/s3/internal";
import { crc32Of } from "./crc32.js";
import { onlineTarget } from "./online.js";
import { type Spool, spoolSize } from "./spool.js";
import type { SpoolUploadOptions } from "./spool-options.js";
import { uploadingProgress } from "./spool-progress.js";

/**
 * Uploads a sealed spool, or goes on with that, and removes it when the object is there. When it fails the spool stays
 * as it is, and so does what the server has of it.
 */
export async function uploadSpool(
  spool: Spool,
  target: UploadTarget,
  options: SpoolUploadOptions,
): Promise<WriteResult> {
  const { signal, concurrency, meter, removeUploaded = true } = options;
  const { head } = spool;
  const size = spoolSize(spool);
  const progress = uploadingProgress(options.onProgress, meter);
  const careful = carefulTarget(onlineTarget(target), spool);
  try {
    const stored = await uploadContent(careful, spoolContent(spool, size), {
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
    // The object is there: what is left of the spool is rubbish, and never a reason to fail.
    await spool.remove().catch(() => {});
    return writeResult(target, stored);
  } catch (thrown) {
    const error = thrown instanceof Halt ? thrown.error : thrown;
    const failure = isPeekpackError(error) ? error.code : "stopped";
    await spool.change({ failure }).catch(() => {});
    throw error;
  } finally {
    progress.end();
  }
}

function writeResult({ label }: UploadTarget, { size, etag, versionId }: StoredObject): WriteResult {
  return { size, version: etag ?? versionId, location: label };
}

/** The sealed parts as one run of bytes, the header in front. Read by whole parts, and checked. */
function spoolContent({ head, sealed, parts }: Spool, size: number): UploadContent {
  const { id, partSize, header = new Uint8Array(0) } = head;
  const part = async (number: number): Promise<Uint8Array> => {
    const { size, crc32 } = sealed.get(number) ?? { size: 0, crc32: 0 };
    if (size === 0) return new Uint8Array(0);
    const bytes = await parts.read(id, number, 0, Number.MAX_SAFE_INTEGER);
    if (bytes.length !== size)
      throw harmed("truncated", number, `${bytes.length} bytes are there of ${size}`);
    if (crc32Of(bytes) !== crc32)
      throw harmed("corrupt", number, "its bytes are not those that were written");
    return bytes;
  };
  return {
    size,
    async read(start, end) {
      // One part at a time, but for the single PUT of an archive that has several.
      const first = start / partSize;
      if (first > 0 && end - start <= partSize) return part(first + 1);
      const whole = new Uint8Array(end - start);
      let at = 0;
      for (let number = first + 1; at < whole.length; number++) {
        if (number === 1) {
          whole.set(header);
          at = header.length;
        }
        const bytes = await part(number);
        whole.set(bytes, at);
        at += bytes.length;
        if (bytes.length === 0) break;
      }
      return whole;
    },
  };
}

function harmed(code: "truncated" | "corrupt", number: number, what: string): PeekpackError {
  return new PeekpackError(code, `Part ${number} of the spool is harmed: ${what}.`, { section: "spool" });
}

/** Keeps the spool's journal. A part is removed only when the journal has that the server has it. */
function uploadJournal(spool: Spool, removeUploaded: boolean): UploadJournal {
  return {
    begun: (upload) => spool.change({ state: "uploading", upload }, true),
    async uploaded(part: UploadedPart) {
      await spool.journal.uploaded(spool.head.id, part);
      if (!removeUploaded) return;
      if (!spool.head.partsRemoved) await spool.change({ partsRemoved: true });
      await spool.parts.remove(spool.head.id, part.number);
    },
    committing: () => spool.change({ state: "committing" }),
    async abandoned(upload, gone) {
      const { abandoned } = spool.head;
      await spool.change(
        { state: "sealed", upload: undefined, abandoned: gone ? abandoned : [...abandoned, upload] },
        true,
      );
    },
  };
}

/** Passes an error by those who would begin anew for it. */
class Halt {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/**
 * Once parts were removed here, the server has the only copy: an upload that fails must never be given up for another
 * one. Before that, it may.
 */
function carefulTarget(target: UploadTarget, spool: Spool): UploadTarget {
  const halting = async <T>(request: Promise<T>): Promise<T> => {
    try {
      return await request;
    } catch (error) {
      throw spool.head.partsRemoved ? new Halt(error) : error;
    }
  };
  return {
    label: target.label,
    put: target.put,
    putObject: (...args) => target.putObject(...args),
    createUpload: (...args) => target.createUpload(...args),
    uploadPart: (...args) => halting(target.uploadPart(...args)),
    async listParts(...args) {
      try {
        return await target.listParts(...args);
      } catch (error) {
        const gone = isPeekpackError(error) && error.code === "not-found";
        // While completing, it may be gone because it is complete: completing once more finds that out.
        if (!gone || !spool.head.partsRemoved || spool.head.state === "committing") throw error;
        throw new Halt(
          new PeekpackError(
            "truncated",
            "The server has swept the upload away, and with it the only copy of the parts that it had confirmed.",
            { section: "spool", cause: error },
          ),
        );
      }
    },
    completeUpload: (...args) => halting(target.completeUpload(...args)),
    abortUpload: (...args) => target.abortUpload(...args),
  };
}
