import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { PeekpackError, type WriteResult } from "@peekpack/core";
import type { PutMode, UploadTarget } from "@peekpack/s3";
import type { TransferOptions } from "@peekpack/s3/internal";
import { readExactly } from "./append-file.js";
import { withFileErrors } from "./file-error.js";
import { Spool } from "./spool.js";
import { defaultSpoolDirectory } from "./spool-directory.js";
import { type JournalState, SpoolJournal } from "./spool-journal.js";
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
  /** Label of the target; undefined if the process ended before it recorded one. */
  readonly target: string | undefined;
  readonly put: PutMode | undefined;
  /** When the spool was created. */
  readonly begun: Date | undefined;
  /**
   * `unfinished`: the archive is incomplete, and can only be discarded. `sealed`: it is complete, and no part is on the
   * server. `uploading`: some parts are. `committing`: the object may exist already. `orphan`: the archive is gone, but a
   * multipart upload may be left on the server, for `discardUpload` to remove.
   */
  readonly state: "unfinished" | "sealed" | "uploading" | "committing" | "orphan";
  /** Size of the archive in bytes, once it is complete. */
  readonly size: number | undefined;
  /** Bytes that the server has confirmed. */
  readonly bytesUploaded: number;
  /** Code of the error that the last upload failed with; `stopped` if it was aborted. */
  readonly failure: string | undefined;
}

/** Which spools to list. */
export interface PendingOptions {
  /** As given to `spoolSink`. */
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
 */
export async function pendingUploads(options: PendingOptions = {}): Promise<PendingUpload[]> {
  const { directory = defaultSpoolDirectory(), foreign = false } = options;
  return withFileErrors(`list the spools in ${directory}`, "spool", async () => {
    const pending: PendingUpload[] = [];
    const here = resolve(directory);
    const common = defaultSpoolDirectory();
    for (const spool of await Spool.list(here)) {
      const status = await spool.ownerStatus();
      if (status !== "running" && (status !== "unknown" || foreign)) pending.push(await describe(spool));
    }
    // Orphans of this directory are recorded in the default one.
    for (const spool of here === common ? [] : await Spool.list(common)) {
      const from = (await new SpoolJournal(spool.journal).state())?.from;
      if (from !== here) continue;
      const status = await spool.ownerStatus();
      if (status === "released" || status === "ended") pending.push(await describe(spool));
    }
    return pending;
  });
}

/**
 * Continues an upload: parts that both the journal and the server have are not sent again. If it fails, the spool is unchanged and
 * can be resumed once more.
 * @throws PeekpackError `unfinished` if the archive is incomplete, `conflict` if another process uses the spool, and the
 * target's errors
 * @throws TypeError if the spool belongs to another target
 */
export async function resumeUpload(
  pending: PendingUpload,
  target: UploadTarget,
  options: SpoolUploadOptions = {},
): Promise<WriteResult> {
  const spool = Spool.at(pending.path);
  return withSpool(spool, "resume", async () => {
    const journal = new SpoolJournal(spool.journal);
    const state = await journal.state();
    checkTarget(state, target);
    const { header, bodySize, partSize, upload, committing } = await completeState(spool, state);
    const handle = await open(spool.body, "r");
    try {
      const content = spoolContent(header, bodySize, {
        read: (start, end) => readExactly(handle, start, end),
      });
      const stored = await uploadSpool(target, content, journal, {
        ...options,
        partSize,
        ...(upload === undefined ? {} : { resume: upload }),
        again: committing,
        keepParts: true,
      });
      await handle.close();
      await spool.remove();
      return writeResult(stored, target);
    } finally {
      await handle.close().catch(() => {});
    }
  });
}

/**
 * Removes the parts of an upload from the server, and the spool from the disk. An object that is stored already stays. If
 * the server cannot be reached, the spool stays listed.
 * @throws PeekpackError `conflict` if another process uses the spool, and the target's errors
 * @throws TypeError if parts are on the server, and `target` is missing or another one
 */
export async function discardUpload(
  pending: PendingUpload,
  target?: UploadTarget,
  options: TransferOptions = {},
): Promise<void> {
  const spool = Spool.at(pending.path);
  await withSpool(spool, "discard", async () => {
    const state = await new SpoolJournal(spool.journal).state();
    if (state?.upload !== undefined) {
      if (target === undefined) {
        throw new TypeError("Parts are on the server: the target is needed to remove them.");
      }
      checkTarget(state, target);
      await target.abortUpload(state.upload.upload, options);
    }
    await spool.remove();
  });
}

/** Acquires a spool for `work`, which removes the spool or fails. */
function withSpool<T>(spool: Spool, action: string, work: () => Promise<T>): Promise<T> {
  return withFileErrors(`${action} the spool ${spool.path}`, "spool", async () => {
    await spool.acquire();
    try {
      return await work();
    } catch (error) {
      await spool.release().catch(() => {});
      throw error;
    }
  });
}

async function describe(spool: Spool): Promise<PendingUpload> {
  const journal = await new SpoolJournal(spool.journal).state();
  const complete = await completeState(spool, journal).then(
    () => true,
    () => false,
  );
  const upload = journal?.upload;
  let state: PendingUpload["state"] = upload === undefined ? "unfinished" : "orphan";
  if (complete) state = journal?.committing ? "committing" : upload === undefined ? "sealed" : "uploading";
  const { header, bodySize } = journal ?? {};
  return {
    id: spool.id,
    directory: journal?.from ?? spool.directory,
    path: spool.path,
    target: journal?.target,
    put: journal?.put,
    begun: journal?.begun,
    state,
    size: header === undefined || bodySize === undefined ? undefined : header.length + bodySize,
    bytesUploaded: (upload?.parts ?? []).reduce((sum, { size }) => sum + size, 0),
    failure: journal?.failure,
  };
}

/** @throws TypeError if the spool belongs to another object, or to another write condition */
function checkTarget(state: JournalState | undefined, target: UploadTarget): void {
  if (state === undefined) return;
  if (state.target !== target.label) {
    throw new TypeError(`The spool belongs to ${state.target}, not to ${target.label}.`);
  }
  if (JSON.stringify(state.put) !== JSON.stringify(target.put)) {
    throw new TypeError(`The spool was written with put ${JSON.stringify(state.put)}.`);
  }
}

/** @throws PeekpackError `unfinished` if the disk does not have the whole archive */
async function completeState(
  spool: Spool,
  state: JournalState | undefined,
): Promise<JournalState & { readonly header: Uint8Array; readonly bodySize: number }> {
  const unfinished = (reason: string): PeekpackError =>
    new PeekpackError("unfinished", `The spool ${spool.path} cannot be uploaded: ${reason}.`, {
      section: "spool",
    });
  const { header, bodySize } = state ?? {};
  if (state === undefined || header === undefined || bodySize === undefined) {
    throw unfinished("its archive is incomplete");
  }
  if (!state.synced && (await spool.isFromEarlierBoot())) {
    throw unfinished("the machine stopped before the archive was synced to the disk");
  }
  if ((await spool.bodySize()) !== bodySize) throw unfinished("its file is missing or incomplete");
  return { ...state, header, bodySize };
}
