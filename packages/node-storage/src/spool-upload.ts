import type { WriteResult } from "@peekpack/core";
import type { ProgressListener, UploadTarget } from "@peekpack/s3";
import {
  type StoredObject,
  type UploadContent,
  type UploadJournal,
  uploadContent,
} from "@peekpack/s3/internal";

import { checkedBody, type ReadableBytes } from "./block-checksums.js";
import type { SealedArchive, SpoolJournal } from "./spool-journal.js";

/** How a complete spool is uploaded. The same options as in `@peekpack/web-storage`. */
export interface SpoolUploadOptions {
  /** Maximum number of parts in transfer, which is also how many are in memory. Default 4. */
  readonly concurrency?: number | undefined;
  /** An archive of at most this many bytes is uploaded as one PUT. Default: the part size. */
  readonly threshold?: number | undefined;
  readonly onProgress?: ProgressListener | undefined;
  /** Aborts the write or the upload, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The archive in upload order: the header, which the journal has, then the body, which is checked when it is read. */
export function spoolContent(
  { header, bodySize, blocks }: SealedArchive,
  file: ReadableBytes,
): UploadContent {
  const front = header.length;
  const body = checkedBody(file, bodySize, blocks);
  return {
    size: front + bodySize,
    async read(start, end) {
      const bytes = await body.read(Math.max(0, start - front), Math.max(0, end - front));
      if (start >= front) return bytes;
      const head = header.subarray(start, Math.min(end, front));
      const whole = new Uint8Array(head.length + bytes.length);
      whole.set(head);
      whole.set(bytes, head.length);
      return whole;
    },
  };
}

/** Uploads a spool, and writes each step to its journal. */
export function uploadSpool(
  target: UploadTarget,
  content: UploadContent,
  journal: SpoolJournal,
  options: Parameters<typeof uploadContent>[2],
): Promise<StoredObject> {
  const steps: UploadJournal = {
    begun: (upload, partSize) => journal.upload(upload, partSize),
    uploaded: (part) => journal.part(part),
    committing: () => journal.committing(),
    // An error here would hide the one that the upload was abandoned for. Without its line, the upload stays listed.
    abandoned: (upload, gone) => journal.abandoned(upload, gone).catch(() => {}),
  };
  return uploadContent(target, content, {
    ...options,
    threshold: options?.threshold ?? options?.partSize,
    journal: steps,
  });
}

/** The result of a write whose object is stored. */
export function writeResult(stored: StoredObject, target: UploadTarget): WriteResult {
  return { size: stored.size, version: stored.etag ?? stored.versionId, location: target.label };
}
