import type { PutMode } from "@peekpack/s3";

import { openPartStore } from "./choose-part-store.js";

import type { Database } from "./database.js";
import { acquireLock, heldLocks, spoolLockName } from "./locks.js";
import type { PartStorage, PartStore } from "./part-store.js";
import { spoolSize } from "./spool.js";
import { spoolDatabase } from "./spool-database.js";
import { type SpoolJournal, type SpoolRecord, spoolJournal, type UnusableSpool } from "./spool-journal.js";
import { checkDirectory, type SpoolDirectoryOptions } from "./spool-options.js";

/**
 * A spool that was left behind. Plain data without secrets. The same fields as in `@peekpack/node-storage`, and three for
 * browsers: `storage`, `bytesSealed`, `active`.
 */
export interface PendingUpload {
  /** Unique within its directory. */
  readonly id: string;
  /** The directory that was given to `spoolSink`. */
  readonly directory: string;
  /** Label of the target; undefined if it is not known. */
  readonly target: string | undefined;
  readonly put: PutMode | undefined;
  /** When the spool was created. */
  readonly begun: Date | undefined;
  /**
   * `unfinished`: the archive is incomplete, and can only be discarded. `sealed`: it is complete, and no part is on the
   * server. `uploading`: some parts are. `committing`: the object may exist already. `orphan`: only in Node. `damaged`: the
   * spool's records have changed; it can only be discarded here. `unsupported`: another version of peekpack wrote it; it is
   * kept for that version.
   */
  readonly state: "unfinished" | "sealed" | "uploading" | "committing" | "orphan" | "damaged" | "unsupported";
  /** Why the spool is `damaged` or `unsupported`. */
  readonly problem: string | undefined;
  /** Size of the archive in bytes, once it is complete. */
  readonly size: number | undefined;
  /** Bytes that the server has confirmed. */
  readonly bytesUploaded: number;
  /** Code of the error that the last upload failed with; `stopped` if it was aborted. */
  readonly failure: string | undefined;
  /** Storage of the parts; undefined if it is not known. */
  readonly storage: PartStorage | undefined;
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
 * journal records. Keeps what other versions of peekpack have left, and lists it.
 * @throws PeekpackError `denied` if the browser stores nothing
 */
export async function pendingUploads(options: PendingOptions = {}): Promise<PendingUpload[]> {
  const directory = checkDirectory(options.directory);
  const database = spoolDatabase(directory);
  try {
    const journal = spoolJournal(database);
    const records = await journal.list();
    const foreign = await sweep(directory, database, journal, records);
    const held = await heldLocks();
    return [...foreign, ...records]
      .filter((record) => !isDone(record))
      .map((record) => describe(directory, record, held.has(spoolLockName(directory, idOf(record)))))
      .filter(({ active }) => !active || options.active)
      .sort((a, b) => (a.begun?.getTime() ?? 0) - (b.begun?.getTime() ?? 0));
  } finally {
    database.close();
  }
}

function idOf(record: SpoolRecord | UnusableSpool): string {
  return "unusable" in record ? record.id : record.head.id;
}

function isDone(record: SpoolRecord | UnusableSpool): boolean {
  return !("unusable" in record) && record.head.state === "done";
}

function describe(directory: string, record: SpoolRecord | UnusableSpool, active: boolean): PendingUpload {
  if ("unusable" in record) {
    return {
      id: record.id,
      directory,
      target: undefined,
      put: undefined,
      begun: undefined,
      state: record.unusable,
      problem: record.problem,
      size: undefined,
      bytesUploaded: 0,
      failure: undefined,
      storage: undefined,
      bytesSealed: 0,
      active,
    };
  }
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
    problem: undefined,
    size: header === undefined ? undefined : bytesSealed,
    bytesUploaded,
    failure,
    storage,
    bytesSealed,
    active,
  };
}

/**
 * Removes finished spools, and parts that no journal records; only if the lock is free: a spool acquires it first. Returns the
 * spools of other versions without a journal, which are kept.
 */
async function sweep(
  directory: string,
  database: Database,
  journal: SpoolJournal,
  records: readonly (SpoolRecord | UnusableSpool)[],
): Promise<UnusableSpool[]> {
  const kept = new Set(records.filter((record) => !isDone(record)).map(idOf));
  const found: UnusableSpool[] = [];
  for (const storage of ["opfs", "indexeddb"] as const) {
    const parts = openPartStore(directory, database, storage);
    // If the browser refuses one of the two, it has no parts.
    for (const { id, foreign } of await parts.spools().catch(() => [])) {
      if (kept.has(id)) continue;
      const problem = "it contains other files than this version writes";
      if (foreign) found.push({ id, unusable: "unsupported", problem });
      else await sweepSpool(directory, id, journal, parts);
    }
  }
  for (const record of records) {
    if (isDone(record)) await sweepSpool(directory, idOf(record), journal, undefined);
  }
  return found;
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
    if (record !== undefined && !isDone(record)) return;
    await parts?.removeAll(id);
    await journal.remove(id);
  } catch {
    // The next call tries again.
  } finally {
    lock.release();
  }
}
