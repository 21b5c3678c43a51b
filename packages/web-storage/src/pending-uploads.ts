import { describeSpool, type PendingSpool } from "@peekpack/s3/internal";
import { openMedium } from "./choose-part-medium.js";
import type { Database } from "./database.js";
import { archiveSize, stateOf } from "./journal-record.js";
import { acquireLock, heldLocks, spoolLockName } from "./locks.js";
import type { PartMedium, PartStorage } from "./part-medium.js";
import { spoolDatabase } from "./spool-database.js";
import { type SpoolJournal, type SpoolRecord, spoolJournal, type UnusableRecord } from "./spool-journal.js";
import { checkDirectory, type SpoolDirectoryOptions } from "./spool-options.js";

/** A spool that was left behind. Plain data without secrets. The same as in `@peekpack/node-storage`, and three more fields. */
export interface PendingUpload extends PendingSpool {
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

function idOf(record: SpoolRecord | UnusableRecord): string {
  return "unusable" in record ? record.id : record.head.id;
}

function isDone(record: SpoolRecord | UnusableRecord): boolean {
  return !("unusable" in record) && record.head.state === "done";
}

function describe(directory: string, record: SpoolRecord | UnusableRecord, active: boolean): PendingUpload {
  if ("unusable" in record) {
    const described = describeSpool(record.id, directory, record);
    return { ...described, storage: undefined, bytesSealed: 0, active };
  }
  const { head, sealed, uploaded } = record;
  const described = describeSpool(head.id, directory, stateOf(head, sealed, uploaded));
  return { ...described, storage: head.storage, bytesSealed: archiveSize(head, sealed), active };
}

/**
 * Removes finished spools, and parts that no journal records; only if the lock is free: a spool acquires it first. Returns the
 * spools of other versions without a journal, which are kept.
 */
async function sweep(
  directory: string,
  database: Database,
  journal: SpoolJournal,
  records: readonly (SpoolRecord | UnusableRecord)[],
): Promise<UnusableRecord[]> {
  const kept = new Set(records.filter((record) => !isDone(record)).map(idOf));
  const found: UnusableRecord[] = [];
  for (const storage of ["opfs", "indexeddb"] as const) {
    const parts = openMedium(directory, database, storage);
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
  parts: PartMedium | undefined,
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
