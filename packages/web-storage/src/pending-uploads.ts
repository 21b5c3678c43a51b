import { PeekpackError, type WriteResult } from "@peekpack/core";

import type { PutMode, UploadTarget } from "@peekpack/s3";
import type { TransferOptions } from "@peekpack/s3/internal";
import { openPartStore } from "./choose-part-store.js";

import type { Database } from "./database.js";
import { acquireLock, heldLocks, spoolLockName } from "./locks.js";
import type { PartStorage, PartStore } from "./part-store.js";
import { acquiredSpool, discardSpool, type Spool, spoolConflict, spoolSize } from "./spool.js";
import { spoolDatabase } from "./spool-database.js";
import { type SpoolHead, type SpoolJournal, type SpoolRecord, spoolJournal } from "./spool-journal.js";
import { checkDirectory, type SpoolDirectoryOptions, type SpoolUploadOptions } from "./spool-options.js";
import { uploadSpool } from "./spool-upload.js";

/**
 * A spool that was left behind. Plain data without secrets. The same fields as in `@peekpack/node-storage`, and three for
 * browsers: `storage`, `bytesSealed`, `active`.
 */
export interface PendingUpload {
  /** Unique within its directory. */
  readonly id: string;
  /** The directory that was given to `spoolSink`. */
  readonly directory: string;
  /** Label of the target. */
  readonly target: string;
  readonly put: PutMode;
  /** When the spool was created. */
  readonly begun: Date;
  /**
   * `unfinished`: the archive is incomplete, and can only be discarded. `sealed`: it is complete, and no part is on the
   * server. `uploading`: some parts are. `committing`: the object may exist already.
   */
  readonly state: "unfinished" | "sealed" | "uploading" | "committing";
  /** Size of the archive in bytes, once it is complete. */
  readonly size: number | undefined;
  /** Bytes that the server has confirmed. */
  readonly bytesUploaded: number;
  /** Code of the error that the last upload failed with; `stopped` if it was aborted. */
  readonly failure: string | undefined;
  /** Storage of the parts. */
  readonly storage: PartStorage;
  /** Bytes of all sealed parts. Those that the server has confirmed may be removed here. */
  readonly bytesSealed: number;
  /** Whether a page or worker uses the spool: then it can be neither resumed nor discarded. */
  readonly active: boolean;
}

/** Which spools to list. */
export interface PendingOptions extends SpoolDirectoryOptions {
  /** Also lists the spools that pages and workers use. Default false. */
  readonly active?: boolean | undefined;
}

/**
 * Lists the spools that ended pages and failed uploads have left, the oldest first. Removes parts of ended pages that no
 * journal records.
 * @throws PeekpackError `denied` if the browser stores nothing
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
      .sort((a, b) => a.head.begun - b.head.begun)
      .map((record) => describe(directory, record, held.has(spoolLockName(directory, record.head.id))))
      .filter(({ active }) => !active || options.active);
  } finally {
    database.close();
  }
}

/**
 * Continues an upload: parts that both the journal and the server have are not sent again. Removes the spool when the object is
 * stored. If it fails, the spool stays and can be resumed once more.
 * @throws PeekpackError `unfinished` if the archive is incomplete, `conflict` if another page or worker uses the spool,
 * `not-found` if the spool does not exist, `truncated` or `corrupt` if a part is damaged, and the target's errors
 * @throws TypeError if the spool belongs to another target
 */
export async function resumeUpload(
  pending: PendingUpload,
  target: UploadTarget,
  options: SpoolUploadOptions = {},
): Promise<WriteResult> {
  options.signal?.throwIfAborted();
  const spool = await acquireSpool(pending);
  if (spool === undefined) {
    throw new PeekpackError("not-found", "This spool does not exist any more.", { section: "spool" });
  }
  try {
    checkTarget(spool.head, target);
    if (spool.head.state === "unfinished") {
      throw new PeekpackError("unfinished", "The archive of this spool is incomplete.", {
        section: "spool",
      });
    }
    return await uploadSpool(spool, target, options);
  } finally {
    spool.release();
  }
}

/**
 * Removes the parts of an upload from the server, and the spool from the browser. An object that is stored already stays.
 * If the server cannot be reached, the spool stays listed.
 * @throws PeekpackError `conflict` if another page or worker uses the spool, and the target's errors
 * @throws TypeError if parts are on the server, and `target` is missing or another one
 */
export async function discardUpload(
  pending: PendingUpload,
  target?: UploadTarget,
  options: TransferOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const spool = await acquireSpool(pending);
  if (spool === undefined) return;
  try {
    const { upload, abandoned } = spool.head;
    if (upload === undefined && abandoned.length === 0) return await spool.remove();
    if (target === undefined) {
      throw new TypeError("Parts are on the server: the target is needed to remove them.");
    }
    checkTarget(spool.head, target);
    await discardSpool(spool, target, options);
  } finally {
    spool.release();
  }
}

/** Acquires a spool. Undefined if it does not exist. @throws PeekpackError `conflict` */
async function acquireSpool({
  directory,
  id,
}: Pick<PendingUpload, "directory" | "id">): Promise<Spool | undefined> {
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
    if (record === undefined || record.head.state === "done") {
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

/** @throws TypeError if the spool belongs to another object, or to another write condition */
function checkTarget(head: SpoolHead, target: UploadTarget): void {
  if (head.target !== target.label) {
    throw new TypeError(`The spool belongs to ${head.target}, not to ${target.label}.`);
  }
  if (JSON.stringify(head.put) !== JSON.stringify(target.put)) {
    throw new TypeError(`The spool was written with put ${JSON.stringify(head.put)}.`);
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
    bytesUploaded,
    failure,
    storage,
    bytesSealed,
    active,
  };
}

/** Removes finished spools, and parts that no journal records; only if the lock is free: a spool acquires it first. */
async function sweep(
  directory: string,
  database: Database,
  journal: SpoolJournal,
  records: readonly SpoolRecord[],
): Promise<void> {
  const kept = new Set(records.filter(({ head }) => head.state !== "done").map(({ head }) => head.id));
  for (const storage of ["opfs", "indexeddb"] as const) {
    const parts = openPartStore(directory, database, storage);
    // If the browser refuses one of the two, it has no parts.
    for (const id of await parts.spools().catch(() => [])) {
      if (!kept.has(id)) await sweepSpool(directory, id, journal, parts);
    }
  }
  for (const { head } of records) {
    if (head.state === "done") await sweepSpool(directory, head.id, journal, undefined);
  }
}

async function sweepSpool(
  directory: string,
  id: string,
  journal: SpoolJournal,
  parts: PartStore | undefined,
): Promise<void> {
  const lock = await acquireLock(spoolLockName(directory, id));
  if (lock === undefined) return;
  try {
    const record = await journal.read(id);
    if (record !== undefined && record.head.state !== "done") return;
    await parts?.removeAll(id);
    await journal.remove(id);
  } catch {
    // The next call tries again.
  } finally {
    lock.release();
  }
}
