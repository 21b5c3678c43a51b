import { resolve } from "node:path";
import { isPeekpackError } from "@peekpack/core";
import type { PutMode } from "@peekpack/s3";
import { completeState } from "./complete-archive.js";
import { isErrno, withFileErrors } from "./file-error.js";
import { Spool } from "./spool.js";
import { defaultSpoolDirectory, durableSpoolDirectory } from "./spool-directory.js";
import { SpoolJournal } from "./spool-journal.js";

/**
 * A spool that was left behind. Plain data without secrets. The same fields as in `@peekpack/web-storage`, and `path`.
 */
export interface PendingUpload {
  /** Unique within its directory. */
  readonly id: string;
  /** The directory that was given to `spoolSink`. */
  readonly directory: string;
  /** Path of the spool's own folder. */
  readonly path: string;
  /** Label of the target; undefined if it is not known. */
  readonly target: string | undefined;
  readonly put: PutMode | undefined;
  /** When the spool was created. */
  readonly begun: Date | undefined;
  /**
   * `unfinished`: the archive is incomplete, and can only be discarded. `sealed`: it is complete, and no part is on the
   * server. `uploading`: some parts are. `committing`: the object may exist already. `orphan`: the archive is gone, but a
   * multipart upload may be left on the server, for `discardUpload` to remove. `damaged`: the spool's records have changed; it
   * can only be discarded here. `unsupported`: another version of peekpack wrote it; it is kept for that version.
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
}

/** Which spools to list. */
export interface PendingOptions {
  /** As given to `spoolSink`. Default: both default directories. */
  readonly directory?: string | undefined;
  /**
   * Also lists spools of processes on other machines and in other containers, which may still run. Default false.
   */
  readonly foreign?: boolean | undefined;
}

/**
 * Lists the spools that ended processes have left, the oldest first. Spools of running processes are never listed. A process that
 * was killed while it created its spool leaves an empty one, which is listed after ten minutes.
 *
 * Only what this disk records is listed. If a process was killed after the server began an upload and before its id was recorded,
 * only the server knows the upload: the store's `sweep` finds it.
 * @throws PeekpackError `denied` if other users can write to the directory
 */
export async function pendingUploads(options: PendingOptions = {}): Promise<PendingUpload[]> {
  const { directory, foreign = false } = options;
  const common = defaultSpoolDirectory();
  if (directory === undefined) {
    return [
      ...(await listUploads(common, foreign)),
      ...(await listUploads(durableSpoolDirectory(), foreign)),
    ];
  }
  const here = resolve(directory);
  const pending = await listUploads(here, foreign);
  if (here === common) return pending;
  // Orphans of this directory are recorded in the default one.
  const orphans = await listUploads(common, false).catch(() => []);
  return [...pending, ...orphans.filter(({ directory: from }) => from === here)];
}

async function listUploads(directory: string, foreign: boolean): Promise<PendingUpload[]> {
  return withFileErrors(`list the spools in ${directory}`, "spool", async () => {
    const pending: PendingUpload[] = [];
    for (const spool of await Spool.list(directory)) {
      const status = await spool.ownerStatus();
      if (status === "running" || (status === "unknown" && !foreign)) continue;
      const described = await describe(spool);
      if (described !== undefined) pending.push(described);
    }
    return pending;
  });
}

/** Describes a spool; undefined if it was removed meanwhile. */
async function describe(spool: Spool): Promise<PendingUpload | undefined> {
  const base = {
    id: spool.id,
    directory: spool.directory,
    path: spool.path,
    target: undefined,
    put: undefined,
    begun: undefined,
    problem: undefined,
    size: undefined,
    bytesUploaded: 0,
    failure: undefined,
  } as const;
  let journal: Awaited<ReturnType<SpoolJournal["read"]>>;
  try {
    const problem = await spool.problem();
    if (problem !== undefined) return { ...base, state: "unsupported", problem };
    journal = await new SpoolJournal(spool.journal).read();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    // One unreadable spool must not hide the others. A lack of resources concerns all.
    if (!isPeekpackError(error) && !isErrno(error, "EACCES", "EPERM", "EISDIR", "EIO")) throw error;
    return { ...base, state: "damaged", problem: error instanceof Error ? error.message : String(error) };
  }
  if (journal === undefined) return { ...base, state: "unfinished" };
  if ("unusable" in journal) return { ...base, state: journal.unusable, problem: journal.problem };
  const { target, put, begun, sealed, upload, committing, failure, from } = journal;
  const complete = await completeState(spool, journal).then(
    () => true,
    () => false,
  );
  let state: PendingUpload["state"] = upload === undefined ? "unfinished" : "orphan";
  if (complete) state = committing ? "committing" : upload === undefined ? "sealed" : "uploading";
  return {
    ...base,
    directory: from ?? spool.directory,
    target,
    put,
    begun,
    state,
    size: sealed && sealed.header.length + sealed.bodySize,
    bytesUploaded: (upload?.parts ?? []).reduce((sum, { size }) => sum + size, 0),
    failure,
  };
}
