import { PeekpackError, type WriteResult } from "@peekpack/core";
import type { PutMode, UploadTarget } from "@peekpack/s3";
import type { TransferOptions } from "@peekpack/s3/internal";
import { openParts } from "./choose-parts.js";
import type { Database } from "./database.js";
import { heldLocks, spoolLockName, takeLock } from "./locks.js";
import type { PartStorage, PartStore } from "./part-store.js";
import { busy, giveUp, type Spool, spoolSize, takeUp } from "./spool.js";
import { spoolDatabase } from "./spool-database.js";
import { type SpoolHead, type SpoolJournal, type SpoolRecord, spoolJournal } from "./spool-journal.js";
import { checkDirectory, type SpoolPlaceOptions, type SpoolUploadOptions } from "./spool-options.js";
import { uploadSpool } from "./spool-upload.js";

/** A spool that is left. Plain data; nothing of it is a secret. */
export interface PendingUpload {
  readonly id: string;
  /** As given to `spoolSink`. */
  readonly directory: string;
  /** The label of the target that it is meant for. */
  readonly target: string;
  readonly put: PutMode;
  readonly begun: Date;
  /**
   * `unfinished`: the archive was never completed, and only `discardUpload` is of use. `sealed`: it is complete, and nothing
   * of it is on the server. `uploading`: some parts are. `committing`: it may have appeared already.
   */
  readonly state: "unfinished" | "sealed" | "uploading" | "committing";
  /** Size of the archive, once it is complete. */
  readonly size: number | undefined;
  /** Bytes that were sealed in parts, of which those that are on the server may be gone here. */
  readonly bytesSealed: number;
  /** Bytes that the server has confirmed. */
  readonly bytesUploaded: number;
  /** The code of the error that the upload failed with, where it did not simply end. */
  readonly failure: string | undefined;
  /** Where the parts lie. */
  readonly storage: PartStorage;
  /** Whether a page or worker is at work on it: then it can be neither resumed nor discarded. */
  readonly active: boolean;
}

/** Which spools to list. */
export interface PendingOptions extends SpoolPlaceOptions {
  /** Also lists the spools that pages and workers are at work on now. Default false. */
  readonly active?: boolean | undefined;
}

/**
 * Lists the spools that are left: of pages that were closed or crashed, and of uploads that failed; the oldest first. What
 * nobody can use any more of dead pages is removed on the way.
 * @throws PeekpackError `denied` where the browser keeps nothing
 */
export async function pendingUploads(options: PendingOptions = {}): Promise<PendingUpload[]> {
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
      .filter(({ active }) => !active || options.active)
      .sort((a, b) => a.begun.getTime() - b.begun.getTime());
  } finally {
    database.close();
  }
}

/**
 * Goes on with an upload: the parts that the server still has, as the journal knows them, are not sent again. Removes the
 * spool when the object is there; when it fails, the spool stays and can be resumed once more.
 * @throws PeekpackError `unfinished` when the archive was never completed, `conflict` when another page or worker is at
 * work on it, `not-found` when the spool is gone, `truncated` or `corrupt` when parts are harmed, and what the target throws
 * @throws TypeError when the target is not the one that the spool is meant for
 */
export async function resumeUpload(
  pending: PendingUpload,
  target: UploadTarget,
  options: SpoolUploadOptions = {},
): Promise<WriteResult> {
  options.signal?.throwIfAborted();
  const spool = await takePending(pending);
  if (spool === undefined) throw new PeekpackError("not-found", "This spool is gone.", { section: "spool" });
  try {
    checkTarget(spool.head, target);
    if (spool.head.state === "unfinished") {
      throw new PeekpackError("unfinished", "The archive of this spool was never completed.", {
        section: "spool",
      });
    }
    return await uploadSpool(spool, target, options);
  } finally {
    spool.leave();
  }
}

/**
 * Gives an upload up: removes its parts from the server, and the spool from the browser. An archive that had already
 * appeared stays. Where the server cannot be reached the spool stays listed.
 * @throws PeekpackError `conflict` when another page or worker is at work on it, and what the target throws
 * @throws TypeError when parts are on the server, and there is no target, or another one than the spool is meant for
 */
export async function discardUpload(
  pending: PendingUpload,
  target?: UploadTarget,
  options: TransferOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const spool = await takePending(pending);
  if (spool === undefined) return;
  try {
    const { upload, abandoned } = spool.head;
    if (upload === undefined && abandoned.length === 0) return await spool.remove();
    if (target === undefined) {
      throw new TypeError("Parts are on the server: the target is needed to remove them.");
    }
    checkTarget(spool.head, target);
    await giveUp(spool, target, options);
  } finally {
    spool.leave();
  }
}

/** Takes the spool's lock, and reads its record; undefined when the spool is gone. */
async function takePending({ directory, id }: PendingUpload): Promise<Spool | undefined> {
  const lock = await takeLock(spoolLockName(checkDirectory(directory), id));
  if (lock === undefined) throw busy();
  const database = spoolDatabase(directory);
  const leave = (): void => {
    database.close();
    lock.release();
  };
  try {
    const journal = spoolJournal(database);
    const record = await journal.read(id);
    if (record === undefined || record.head.state === "done") {
      leave();
      return undefined;
    }
    const parts = openParts(directory, database, record.head.storage);
    return takeUp({ lock, database, journal, parts }, record);
  } catch (error) {
    leave();
    throw error;
  }
}

/** @throws TypeError when the spool is meant for another object, or under another condition */
function checkTarget(head: SpoolHead, target: UploadTarget): void {
  if (head.target !== target.label) {
    throw new TypeError(`The spool is meant for ${head.target}, and not for ${target.label}.`);
  }
  if (JSON.stringify(head.put) !== JSON.stringify(target.put)) {
    throw new TypeError(`The spool is meant to be put by ${JSON.stringify(head.put)}.`);
  }
}

function describe(directory: string, record: SpoolRecord, active: boolean): PendingUpload {
  const { id, target, put, state, storage, begun, failure, header } = record.head;
  const bytesSealed = spoolSize(record);
  let bytesUploaded = 0;
  for (const { size } of record.uploaded.values()) bytesUploaded += size;
  return {
    id,
    directory,
    target,
    put,
    begun: new Date(begun),
    state: state as PendingUpload["state"],
    size: header === undefined ? undefined : bytesSealed,
    bytesSealed,
    bytesUploaded,
    failure,
    storage,
    active,
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
