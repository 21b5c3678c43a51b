import { isPeekpackError, PeekpackError, type WriteResult } from "@peekpack/core";
import {
  type StoredObject,
  type UploadContent,
  type UploadedPart,
  type UploadJournal,
  type UploadTarget,
  uploadContent,
} from "@peekpack/s3";
import { crc32Of } from "./crc32.js";
import { onlineTarget } from "./online.js";
import { type Spool, spoolSize } from "./spool.js";
import type { SpoolUploadOptions } from "./spool-options.js";
import { spoolProgress } from "./spool-progress.js";

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
  const progress = spoolProgress(options.onProgress, meter);
  const careful = carefulTarget(onlineTarget(target), spool);
  try {
    progress.update({ phase: "uploading", bytesProduced: size, totalBytes: size });
    const stored = await uploadContent(careful, spoolContent(spool, size), {
      partSize: head.partSize,
      threshold: head.partSize,
      concurrency,
      signal,
      journal: uploadJournal(spool, removeUploaded),
      again: head.state === "completing",
      keepParts: true,
      ...(head.upload === undefined
        ? {}
        : {
            resume: { upload: head.upload, partSize: head.partSize, parts: [...spool.uploaded.values()] },
          }),
      onProgress: ({ rate: _, ...now }) => progress.update(now),
    });
    // The object is there: what is left of the spool is rubbish, and never a reason to fail.
    await spool.remove().catch(() => {});
    return writeResult(target, stored);
  } catch (error) {
    throw error instanceof Halt ? error.error : error;
  } finally {
    progress.end();
  }
}

function writeResult({ label }: UploadTarget, { size, etag, versionId }: StoredObject): WriteResult {
  return { size, version: etag ?? versionId, location: label };
}

/** The sealed parts as one run of bytes, the header in front. Read part by part, and checked. */
function spoolContent({ head, sealed, parts }: Spool, size: number): UploadContent {
  const { id, partSize, header = new Uint8Array(0) } = head;
  return {
    size,
    async read(start, end) {
      const number = Math.floor(start / partSize) + 1;
      if (start % partSize !== 0 || end - start > partSize) {
        throw new RangeError("A spool is read by its parts.");
      }
      const front = number === 1 ? header : new Uint8Array(0);
      const expected = sealed.get(number) ?? { size: 0, crc32: 0 };
      const bytes =
        expected.size === 0 ? new Uint8Array(0) : await parts.read(id, number, 0, Number.MAX_SAFE_INTEGER);
      if (bytes.length !== expected.size || front.length + bytes.length !== end - start) {
        throw harmed("truncated", number, `${bytes.length} bytes are there of ${end - start - front.length}`);
      }
      if (crc32Of(bytes) !== expected.crc32) {
        throw harmed("corrupt", number, "its bytes are not those that were written");
      }
      if (front.length === 0) return bytes;
      const whole = new Uint8Array(front.length + bytes.length);
      whole.set(front);
      whole.set(bytes, front.length);
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
      spool.partsRemoved = true;
      await spool.parts.remove(spool.head.id, part.number);
    },
    committing: () => spool.change({ state: "completing" }),
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
      throw spool.partsRemoved ? new Halt(error) : error;
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
        if (!gone || !spool.partsRemoved || spool.head.state === "completing") throw error;
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
