import { resolve } from "node:path";
import { isPeekpackError } from "@peekpack/core";
import { describeSpool, type PendingSpool, type UnusableSpool } from "@peekpack/s3/internal";
import { completeBody } from "./complete-archive.js";
import { isErrno, withFileErrors } from "./file-error.js";
import { defaultSpoolDirectory, durableSpoolDirectory } from "./spool-directory.js";
import { SpoolFolder } from "./spool-folder.js";
import { type FolderState, SpoolJournal } from "./spool-journal.js";

/** A spool that was left behind. Plain data without secrets. The same as in `@peekpack/web-storage`, and `path`. */
export interface PendingUpload extends PendingSpool {
  /** Path of the spool's own folder. */
  readonly path: string;
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
    for (const spool of await SpoolFolder.list(directory)) {
      const status = await spool.ownerStatus();
      if (status === "running" || (status === "unknown" && !foreign)) continue;
      const described = await describe(spool);
      if (described !== undefined) pending.push(described);
    }
    return pending;
  });
}

/** Describes a spool; undefined if it was removed meanwhile. */
async function describe(folder: SpoolFolder): Promise<PendingUpload | undefined> {
  let state: FolderState | UnusableSpool | undefined;
  try {
    const problem = await folder.problem();
    state =
      problem === undefined
        ? await new SpoolJournal(folder.journal).read()
        : { unusable: "unsupported", problem };
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    // One unreadable spool must not hide the others. A lack of resources concerns all.
    if (!isPeekpackError(error) && !isErrno(error, "EACCES", "EPERM", "EISDIR", "EIO")) throw error;
    state = { unusable: "damaged", problem: error instanceof Error ? error.message : String(error) };
  }
  const usable = state !== undefined && "target" in state ? state : undefined;
  const complete = await completeBody(folder, usable).then(
    () => true,
    () => false,
  );
  const directory = usable?.from ?? folder.directory;
  return { ...describeSpool(folder.id, directory, state, complete), path: folder.path };
}
