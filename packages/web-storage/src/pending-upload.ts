import { PeekpackError, type WriteResult } from "@peekpack/core";
import type { PutMode, TransferOptions, UploadTarget } from "@peekpack/s3";
import { openParts } from "./choose-parts.js";
import type { Database } from "./database.js";
import { heldLocks, spoolLockName, takeLock } from "./locks.js";
import type { PartStorage, PartStore } from "./part-store.js";
import { busy, type Spool, spoolSize, takeUp } from "./spool.js";
import { spoolDatabase } from "./spool-database.js";
import { type SpoolJournal, type SpoolRecord, spoolJournal } from "./spool-journal.js";
import { checkDirectory, type SpoolPlaceOptions, type SpoolUploadOptions } from "./spool-options.js";
import { uploadSpool } from "./spool-upload.js";

/** A spool that is left. Plain data. */
export interface PendingUpload {
  readonly id: string;
  readonly directory: string;
  /** Names the object that it was to become. */
  readonly label: string;
  /** The condition under which that was to be written. */
  readonly put: PutMode;
  /**
   * `writing`: its writer never finished, so that there is no archive, only the bytes of one: it can be discarded.
   * `sealed`: the archive is complete here, and nothing has been sent. `uploading`: the server has some of it.
   * `completing`: what makes the object appear was sent, and nobody has seen the answer.
   */
  readonly state: "writing" | "sealed" | "uploading" | "completing";
  /** Whether a page or worker is at work on it now. Such a one cannot be resumed or discarded. */
  readonly active: boolean;
  /** Bytes of the archive; while `writing`, those sealed in parts. */
  readonly size: number;
  /** Bytes that the server has confirmed. */
  readonly uploaded: number;
  /** Where the parts lie. */
  readonly storage: PartStorage;
  readonly created: Date;
  readonly updated: Date;
}

/**
 * Lists the spools that are left: of pages that were closed or crashed, of uploads that failed, and, marked as active,
 * those that are worked on now. The oldest first. Rubbish of dead pages is removed on the way.
 * @throws PeekpackError `denied` where the browser keeps nothing
 */
export async function pendingUploads(options: SpoolPlaceOptions = {}): Promise<PendingUpload[]> {
  const directory = checkDirectory(options.directory);
  const database = spoolDatabase(directory);
  try {
    const journal = spoolJournal(database);
    const records = await journal.list();
    await sweep(directory, database, journal, records);
    const held = await heldLocks();
    return records
      .filter(({ head }) => head.state !== "done")
      .map((record) => describe(directory, record, held.has(spoolLockName(directory, record.head.id))))
      .sort((a, b) => a.created.getTime() - b.created.getTime());
  } finally {
    database.close();
  }
}

/**
 * Goes on with the upload of a spool, from the parts that the server has: the journal's word is compared with the server's.
 * Removes the spool when the object is there. When it fails, the spool stays, and can be resumed again.
 *
 * @param target the same object as before, unless nothing has been sent yet
 * @throws PeekpackError `unfinished` when the spool was never complete, `conflict` when another page or worker is at work
 * on it, `not-found` when it is gone, `truncated` or `corrupt` when parts are harmed, and what the target rejects with;
 * RangeError when `target` is another object
 */
export async function resumeUpload(
  pending: PendingUpload,
  target: UploadTarget,
  options: SpoolUploadOptions = {},
): Promise<WriteResult> {
  options.signal?.throwIfAborted();
  const spool = await takePending(pending, target);
  if (spool === undefined) {
    throw new PeekpackError("not-found", "This spool is gone.", { section: "spool" });
  }
  try {
    if (spool.head.state === "writing") {
      throw new PeekpackError(
        "unfinished",
        "This archive was never written to its end, and cannot be uploaded.",
        {
          section: "spool",
        },
      );
    }
    return await uploadSpool(spool, target, options);
  } finally {
    spool.leave();
  }
}

/**
 * Removes a spool, and what the server has of its upload. Where the server cannot be reached nothing is removed here.
 * @throws PeekpackError `conflict` when another page or worker is at work on it, and what the target rejects with;
 * RangeError when `target` is another object than the upload's
 */
export async function discardUpload(
  pending: PendingUpload,
  target: UploadTarget,
  options: TransferOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const spool = await takePending(pending, target);
  if (spool === undefined) return;
  try {
    const { upload, abandoned } = spool.head;
    for (const begun of upload === undefined ? abandoned : [upload, ...abandoned]) {
      await target.abortUpload(begun, options);
    }
    await spool.remove();
  } finally {
    spool.leave();
  }
}

/** Takes the spool's lock, and reads its record; undefined when the spool is gone. */
async function takePending(
  { directory, id }: PendingUpload,
  target: UploadTarget,
): Promise<Spool | undefined> {
  const lock = await takeLock(spoolLockName(checkDirectory(directory), id));
  if (lock === undefined) throw busy();
  const database = spoolDatabase(directory);
  try {
    const journal = spoolJournal(database);
    const record = await journal.read(id);
    if (record !== undefined && record.head.state !== "done") {
      const { upload, label, storage } = record.head;
      if (upload !== undefined && label !== target.label) {
        throw new RangeError(`This upload is one of ${label}, not of ${target.label}.`);
      }
      return takeUp({ lock, database, journal, parts: openParts(directory, database, storage) }, record);
    }
  } catch (error) {
    database.close();
    lock.release();
    throw error;
  }
  database.close();
  lock.release();
  return undefined;
}

function describe(directory: string, record: SpoolRecord, active: boolean): PendingUpload {
  const { id, label, put, state, storage, created, updated } = record.head;
  let uploaded = 0;
  for (const { size } of record.uploaded.values()) uploaded += size;
  return {
    id,
    directory,
    label,
    put,
    state: state as PendingUpload["state"],
    active,
    size: spoolSize(record),
    uploaded,
    storage,
    created: new Date(created),
    updated: new Date(updated),
  };
}

/**
 * Removes what nobody will ask for: spools that are done, and parts that no record speaks of. Only where the lock is
 * free, as a spool has its lock before it has anything else.
 */
async function sweep(
  directory: string,
  database: Database,
  journal: SpoolJournal,
  records: readonly SpoolRecord[],
): Promise<void> {
  const kept = new Set(records.filter(({ head }) => head.state !== "done").map(({ head }) => head.id));
  for (const storage of ["opfs", "indexeddb"] as const) {
    const parts = openParts(directory, database, storage);
    // Where a browser refuses one of the two there is nothing in it.
    for (const id of await parts.spools().catch(() => [])) {
      if (!kept.has(id)) await sweepOne(directory, id, journal, parts);
    }
  }
  for (const { head } of records) {
    if (head.state === "done") await sweepOne(directory, head.id, journal, undefined);
  }
}

async function sweepOne(
  directory: string,
  id: string,
  journal: SpoolJournal,
  parts: PartStore | undefined,
): Promise<void> {
  const lock = await takeLock(spoolLockName(directory, id));
  if (lock === undefined) return;
  try {
    const record = await journal.read(id);
    if (record !== undefined && record.head.state !== "done") return;
    await parts?.removeAll(id);
    await journal.remove(id);
  } catch {
    // What cannot be removed now is tried again next time.
  } finally {
    lock.release();
  }
}
