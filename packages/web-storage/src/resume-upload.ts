import { type ArchiveSink, PeekpackError, type WriteResult } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import { checkRecordedTarget, isRecordedTarget, type TransferOptions } from "@peekpack/s3/internal";
import { openPartStore } from "./choose-part-store.js";
import { acquireLock, spoolLockName } from "./locks.js";
import type { PendingUpload } from "./pending-uploads.js";
import { acquiredSpool, discardSpool, type Spool, spoolConflict } from "./spool.js";
import { spoolDatabase } from "./spool-database.js";
import { spoolJournal, type UnusableSpool } from "./spool-journal.js";
import { checkDirectory, type SpoolUploadOptions } from "./spool-options.js";
import { readPart, uploadSpool } from "./spool-upload.js";

/** Options of {@link resumeUpload}. */
export interface ResumeOptions extends SpoolUploadOptions {
  /**
   * Allows a target with another write condition or another key than the spool was written for. Default false: it rejects with
   * TypeError.
   */
  readonly changeTarget?: boolean | undefined;
  /** The old target, for a change of the key while parts of the old object are on the server: they are removed. */
  readonly previousTarget?: UploadTarget | undefined;
}

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
  options: ResumeOptions = {},
): Promise<WriteResult> {
  const { changeTarget = false, previousTarget, ...upload } = options;
  upload.signal?.throwIfAborted();
  return withCompleteSpool(
    pending,
    async (spool) => uploadSpool(spool, target, upload),
    async (spool) => {
      if (isRecordedTarget(spool.head, target)) return;
      if (!changeTarget) checkRecordedTarget(spool.head, target);
      if (spool.head.state !== "unfinished") await moveToTarget(spool, target, previousTarget, upload);
    },
  );
}

/**
 * Copies the complete archive of a spool to a sink. The spool stays.
 * @throws PeekpackError as {@link resumeUpload}, and the sink's errors
 */
export async function exportUpload(pending: PendingUpload, sink: ArchiveSink): Promise<WriteResult> {
  return withCompleteSpool(pending, async (spool) => {
    try {
      for (let number = 1; number <= spool.sealed.size; number++)
        await sink.write(await readPart(spool, number));
      return await sink.finish(spool.head.header!);
    } catch (error) {
      await sink.abort(error);
      throw error;
    }
  });
}

/**
 * Returns the complete archive of a spool, for example for a download. The spool stays.
 * @throws PeekpackError as {@link resumeUpload}
 */
export async function pendingBlob(pending: PendingUpload): Promise<Blob> {
  return withCompleteSpool(pending, async (spool) => {
    // A Blob for each part: the browser may keep them on the disk.
    const parts = [new Blob([spool.head.header!.slice()])];
    for (let number = 1; number <= spool.sealed.size; number++) {
      parts.push(new Blob([await readPart(spool, number)]));
    }
    return new Blob(parts);
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
  options.signal?.throwIfAborted();
  const spool = await acquireSpool(pending, true);
  if (spool === undefined) return;
  try {
    const { upload, abandoned } = spool.head;
    if (upload === undefined && abandoned.length === 0) return await spool.remove();
    if (target === undefined) {
      throw new TypeError("Parts are on the server: the target is needed to remove them.");
    }
    checkRecordedTarget(spool.head, target);
    await discardSpool(spool, target, options);
  } finally {
    spool.release();
  }
}

/** Acquires a spool with a complete archive. `prepare` runs first, also for an incomplete one. */
async function withCompleteSpool<T>(
  pending: PendingUpload,
  work: (spool: Spool) => Promise<T>,
  prepare?: (spool: Spool) => Promise<void>,
): Promise<T> {
  const spool = await acquireSpool(pending, false);
  if (spool === undefined) {
    throw new PeekpackError("not-found", "This spool does not exist any more.", { section: "spool" });
  }
  try {
    await prepare?.(spool);
    if (spool.head.state === "unfinished") {
      throw new PeekpackError("unfinished", "The archive of this spool is incomplete.", { section: "spool" });
    }
    return await work(spool);
  } finally {
    spool.release();
  }
}

/**
 * Acquires a spool. Undefined if it does not exist. `removeDamaged` removes a damaged spool.
 * @throws PeekpackError `conflict`; `corrupt` if it is damaged; `denied` if another version of peekpack wrote it
 */
async function acquireSpool(
  { directory, id, state }: PendingUpload,
  removeDamaged: boolean,
): Promise<Spool | undefined> {
  const lock = await acquireLock(spoolLockName(checkDirectory(directory), id));
  if (lock === undefined) throw spoolConflict();
  const database = spoolDatabase(directory);
  const release = (): void => {
    database.close();
    lock.release();
  };
  try {
    const journal = spoolJournal(database);
    const record = await journal.read(id);
    if (record === undefined && state === "unsupported") throw unusable({ id, unusable: state, problem: "" });
    if (record !== undefined && "unusable" in record) {
      if (!removeDamaged || record.unusable !== "damaged") throw unusable(record);
      for (const storage of ["opfs", "indexeddb"] as const) {
        // If the browser refuses one of the two, it has no parts.
        await openPartStore(directory, database, storage)
          .removeAll(id)
          .catch(() => {});
      }
      await journal.remove(id);
    }
    if (record === undefined || "unusable" in record || record.head.state === "done") {
      release();
      return undefined;
    }
    const parts = openPartStore(directory, database, record.head.storage);
    return acquiredSpool({ lock, database, journal, parts }, record);
  } catch (error) {
    release();
    throw error;
  }
}

function unusable({ unusable, problem }: UnusableSpool): PeekpackError {
  const message =
    unusable === "damaged"
      ? `The spool is damaged: ${problem}.`
      : "Another version of peekpack wrote this spool.";
  return new PeekpackError(unusable === "damaged" ? "corrupt" : "denied", message, { section: "spool" });
}

/**
 * Assigns a spool to another target. Parts under the old key are removed from the server.
 * @throws TypeError if there are such parts and `previous` is not the old target, or if parts were removed here
 */
async function moveToTarget(
  spool: Spool,
  target: UploadTarget,
  previous: UploadTarget | undefined,
  options: TransferOptions,
): Promise<void> {
  const { head } = spool;
  const change = { target: target.label, put: target.put };
  if (head.target === target.label) return spool.update(change);
  if (head.partsRemoved) {
    throw new TypeError(`Parts were removed here, and only the server has them, for ${head.target}.`);
  }
  const uploads = head.upload === undefined ? head.abandoned : [head.upload, ...head.abandoned];
  if (uploads.length > 0 && previous?.label !== head.target) {
    throw new TypeError(
      `Parts of ${head.target} are on the server: previousTarget is needed to remove them.`,
    );
  }
  for (const upload of uploads) await previous!.abortUpload(upload, options);
  await spool.update({ ...change, state: "sealed", upload: undefined, abandoned: [] }, true);
}
