import type { ArchiveSink, WriteResult } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import {
  archivePieces,
  discardSpool,
  exportSpool,
  type RetargetOptions,
  resumeSpool,
  Spool,
  type TransferOptions,
  unusable,
  withArchive,
  withSpool,
} from "@peekpack/s3/internal";
import { BrowserSpool } from "./browser-spool.js";
import { withOfflineRetry } from "./offline-retry.js";
import type { PendingUpload } from "./pending-uploads.js";
import { checkDirectory, type SpoolUploadOptions } from "./spool-options.js";
import { spoolProgress } from "./spool-progress.js";

/** Options of {@link resumeUpload}. The same as in `@peekpack/node-storage`, and two for browsers. */
export interface ResumeOptions extends SpoolUploadOptions, RetargetOptions {}

/**
 * Continues an upload: parts that both the journal and the server have are not sent again. Removes the spool when the object is
 * stored. If it fails, the spool stays and can be resumed once more.
 * @throws PeekpackError `unfinished` if the archive is incomplete, `conflict` if another page or worker uses the spool,
 * `not-found` if the spool does not exist, `truncated` or `corrupt` if a part or the journal is damaged, `denied` if another
 * version of peekpack wrote it, and the target's errors
 * @throws TypeError if the spool belongs to another target, unless `changeTarget` allows it
 */
export async function resumeUpload(
  pending: PendingUpload,
  target: UploadTarget,
  { meter, onProgress, ...options }: ResumeOptions = {},
): Promise<WriteResult> {
  const progress = spoolProgress(onProgress, meter);
  const upload = { ...options, onProgress: progress.update };
  try {
    return await withSpool(await acquire(pending), (spool) =>
      resumeSpool(spool, withOfflineRetry(target), upload),
    );
  } finally {
    progress.end();
  }
}

/**
 * Copies the complete archive of a spool to a sink. The spool stays.
 * @throws PeekpackError as {@link resumeUpload}, and the sink's errors
 */
export async function exportUpload(pending: PendingUpload, sink: ArchiveSink): Promise<WriteResult> {
  return withSpool(await acquire(pending), (spool) => exportSpool(spool, sink));
}

/**
 * Returns the complete archive of a spool, for example for a download. The spool stays.
 * @throws PeekpackError as {@link resumeUpload}
 */
export async function pendingBlob(pending: PendingUpload): Promise<Blob> {
  return withSpool(await acquire(pending), async (storage) => {
    await Spool.open(storage);
    return withArchive(storage, async (archive) => {
      // A Blob for each part: the browser may keep them on the disk.
      const parts = [new Blob([archive.header.slice()])];
      for await (const piece of archivePieces(archive))
        parts.push(new Blob([piece as Uint8Array<ArrayBuffer>]));
      return new Blob(parts);
    });
  });
}

/**
 * Removes the parts of an upload from the server, and the spool from the browser. An object that is stored already stays.
 * If the server cannot be reached, the spool stays listed. The parts of a damaged spool on the server are not known: the
 * store's `sweep` finds them.
 * @throws PeekpackError `conflict` if another page or worker uses the spool, `denied` if another version of peekpack wrote it,
 * and the target's errors
 * @throws TypeError if parts are on the server, and `target` is missing or another one
 */
export async function discardUpload(
  pending: PendingUpload,
  target?: UploadTarget,
  options: TransferOptions = {},
): Promise<void> {
  const acquired = await acquire(pending);
  if (acquired === undefined) return;
  await withSpool(acquired, (spool) => discardSpool(spool, target, options));
}

/** Acquires a spool; undefined if it does not exist. @throws PeekpackError `conflict` */
async function acquire({ directory, id, state }: PendingUpload): Promise<BrowserSpool | undefined> {
  const spool = await BrowserSpool.acquire(checkDirectory(directory), id);
  try {
    if (await spool.exists()) return spool;
    // Parts of another version without a journal are kept.
    if (state === "unsupported") throw unusable({ unusable: state, problem: "its journal is missing" });
  } catch (error) {
    await spool.release();
    throw error;
  }
  await spool.release();
  return undefined;
}
