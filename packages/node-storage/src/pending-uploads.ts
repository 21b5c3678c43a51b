import { constants } from "node:fs";
import { resolve } from "node:path";

import { type ArchiveSink, PeekpackError, type WriteResult } from "@peekpack/core";
import type { PutMode, UploadTarget } from "@peekpack/s3";
import type { TransferOptions, UploadContent } from "@peekpack/s3/internal";

import { readExactly } from "./append-file.js";
import { withFileErrors } from "./file-error.js";
import { openPrivate } from "./private-files.js";
import { Spool } from "./spool.js";
import { defaultSpoolDirectory, durableSpoolDirectory } from "./spool-directory.js";
import { type JournalState, type SealedArchive, SpoolJournal } from "./spool-journal.js";
import { type SpoolUploadOptions, spoolContent, uploadSpool, writeResult } from "./spool-upload.js";

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

/**
 * Continues an upload: parts that both the journal and the server have are not sent again. If it fails, the spool is unchanged and
 * can be resumed once more.
 * @throws PeekpackError `unfinished` if the archive is incomplete, `corrupt` if it or its journal is damaged, `denied` if the
 * path is no spool of this user and version, `conflict` if another process uses the spool, and the target's errors
 * @throws TypeError if the spool belongs to another target, unless `changeTarget` allows it
 */
export async function resumeUpload(
  pending: PendingUpload,
  target: UploadTarget,
  options: ResumeOptions = {},
): Promise<WriteResult> {
  const { changeTarget = false, previousTarget, ...upload } = options;
  return withSpool(pending.path, "resume", async (spool) => {
    checkExists(spool);
    const journal = new SpoolJournal(spool.journal);
    const old = await journal.state();
    if (old !== undefined && !isTarget(old, target)) {
      if (!changeTarget) checkTarget(old, target);
      await moveToTarget(journal, old, target, previousTarget, upload);
    }
    const state = await journal.state();
    return withArchive(spool, state, async (content, { partSize, upload: resume, committing }) => {
      const stored = await uploadSpool(target, content, journal, {
        ...upload,
        partSize,
        ...(resume === undefined ? {} : { resume }),
        again: committing,
        keepParts: true,
      });
      await spool.remove();
      return writeResult(stored, target);
    });
  });
}

/**
 * Copies the complete archive of a spool to a sink, such as a `fileSink`. The spool stays.
 * @throws PeekpackError as {@link resumeUpload}, and the sink's errors
 */
export async function exportUpload(pending: PendingUpload, sink: ArchiveSink): Promise<WriteResult> {
  return withSpool(pending.path, "export", async (spool) => {
    checkExists(spool);
    const state = await new SpoolJournal(spool.journal).state();
    const result = await withArchive(spool, state, async ({ size, read }, { sealed: { header } }) => {
      try {
        for (let at = header.length; at < size; at += EXPORT_BYTES) {
          await sink.write(await read(at, Math.min(at + EXPORT_BYTES, size)));
        }
        return await sink.finish(header);
      } catch (error) {
        await sink.abort(error);
        throw error;
      }
    });
    await spool.release();
    return result;
  });
}

const EXPORT_BYTES = 2 ** 20;

/**
 * Removes the parts of an upload from the server, and the spool from the disk. An object that is stored already stays. If
 * the server cannot be reached, the spool stays listed. Only a spool of this user is removed, and only one of this version.
 * The parts of a damaged spool are not known: the store's `sweep` finds them.
 * @throws PeekpackError `denied` if the path is no spool of this user and version, `conflict` if another process uses the
 * spool, and the target's errors
 * @throws TypeError if parts are on the server, and `target` is missing or another one
 */
export async function discardUpload(
  pending: Pick<PendingUpload, "path">,
  target?: UploadTarget,
  options: TransferOptions = {},
): Promise<void> {
  await withSpool(pending.path, "discard", async (spool) => {
    if (spool === undefined) return;
    const journal = new SpoolJournal(spool.journal);
    const state = await journal.read();
    if (state !== undefined && "unusable" in state) {
      if (state.unusable === "unsupported") await journal.state();
    } else if (state?.upload !== undefined) {
      if (target === undefined) {
        throw new TypeError("Parts are on the server: the target is needed to remove them.");
      }
      checkTarget(state, target);
      await target.abortUpload(state.upload.upload, options);
    }
    await spool.remove();
  });
}

/** Acquires a spool for `work`; undefined if it does not exist. If the work fails, the spool is released. */
function withSpool<T>(
  path: string,
  action: string,
  work: (spool: Spool | undefined) => Promise<T>,
): Promise<T> {
  return withFileErrors(`${action} the spool ${path}`, "spool", async () => {
    const spool = await Spool.find(path);
    await spool?.acquire();
    try {
      return await work(spool);
    } catch (error) {
      await spool?.release().catch(() => {});
      throw error;
    }
  });
}

/** @throws PeekpackError `not-found` if there is no spool */
function checkExists(spool: Spool | undefined): asserts spool is Spool {
  if (spool === undefined) {
    throw new PeekpackError("not-found", "This spool does not exist any more.", { section: "spool" });
  }
}

/** A journal of a complete archive. */
type CompleteState = JournalState & { readonly sealed: SealedArchive };

/** Opens the complete archive of a spool. @throws PeekpackError `unfinished` */
async function withArchive<T>(
  spool: Spool,
  state: JournalState | undefined,
  work: (content: UploadContent, state: CompleteState) => Promise<T>,
): Promise<T> {
  const complete = await completeState(spool, state);
  const handle = await openPrivate(spool.body, constants.O_RDONLY);
  try {
    const content = spoolContent(complete.sealed, {
      read: (start, end) => readExactly(handle, start, end),
    });
    return await work(content, complete);
  } finally {
    await handle.close();
  }
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
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    // One unreadable spool must not hide the others.
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

function isTarget(state: JournalState, target: UploadTarget): boolean {
  return state.target === target.label && JSON.stringify(state.put) === JSON.stringify(target.put);
}

/** @throws TypeError if the spool belongs to another object, or to another write condition */
function checkTarget(state: JournalState, target: UploadTarget): void {
  if (state.target !== target.label) {
    throw new TypeError(`The spool belongs to ${state.target}, not to ${target.label}.`);
  }
  if (!isTarget(state, target)) {
    throw new TypeError(`The spool was written with put ${JSON.stringify(state.put)}.`);
  }
}

/**
 * Assigns a spool to another target. Parts under the old key are removed from the server.
 * @throws TypeError if there are such parts, and `previous` is not the old target
 */
async function moveToTarget(
  journal: SpoolJournal,
  { target: label, upload }: JournalState,
  target: UploadTarget,
  previous: UploadTarget | undefined,
  options: TransferOptions,
): Promise<void> {
  if (label !== target.label && upload !== undefined) {
    if (previous?.label !== label) {
      throw new TypeError(`Parts of ${label} are on the server: previousTarget is needed to remove them.`);
    }
    await previous.abortUpload(upload.upload, options);
    await journal.abandoned(upload.upload, true);
  }
  await journal.retarget(target.label, target.put);
}

/** @throws PeekpackError `unfinished` if the disk does not have the whole archive */
async function completeState(spool: Spool, state: JournalState | undefined): Promise<CompleteState> {
  const unfinished = (reason: string): PeekpackError =>
    new PeekpackError("unfinished", `The spool ${spool.path} cannot be uploaded: ${reason}.`, {
      section: "spool",
    });
  const sealed = state?.sealed;
  if (state === undefined || sealed === undefined) throw unfinished("its archive is incomplete");
  if (!sealed.synced && (await spool.isFromEarlierBoot())) {
    throw unfinished("the machine stopped before the archive was synced to the disk");
  }
  if ((await spool.bodySize()) !== sealed.bodySize) throw unfinished("its file is missing or incomplete");
  return { ...state, sealed };
}
