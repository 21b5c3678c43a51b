import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { PeekpackError, type WriteResult } from "@peekpack/core";
import type { PutMode, UploadTarget } from "@peekpack/s3";
import { withFileErrors } from "./file-error.js";
import { readExactly } from "./growing-file.js";
import { defaultSpoolDirectory, SpoolPlace } from "./spool-directory.js";
import { type JournalState, SpoolJournal } from "./spool-journal.js";
import { type SpoolUploadOptions, spoolContent, uploadSpool, writeResult } from "./spool-sink.js";

/** A spool that no living process works on. Plain data; nothing of it is a secret. */
export interface PendingUpload {
  /** The spool's directory, which identifies it. */
  readonly path: string;
  /** The label of the target that it was meant for; undefined when the process ended before it wrote that down. */
  readonly target: string | undefined;
  readonly put: PutMode | undefined;
  readonly begun: Date | undefined;
  /**
   * `unfinished`: the archive was never completed, and only `discardUpload` is of use. `sealed`: it is complete, and nothing
   * of it is on the server. `uploading`: some parts are. `committing`: it may have appeared already. `orphan`: the spool is
   * gone, but a multipart upload may be left on the server, for `discardUpload` to remove.
   */
  readonly state: "unfinished" | "sealed" | "uploading" | "committing" | "orphan";
  /** Size of the archive, once it is complete. */
  readonly size: number | undefined;
  /** Bytes that the server has confirmed. */
  readonly bytesUploaded: number;
  /** The code of the error that the upload failed with, where it did not simply end. */
  readonly failure: string | undefined;
}

/** Where to look for spools. */
export interface PendingOptions {
  /** As given to `spoolSink`. */
  readonly directory?: string | undefined;
  /**
   * Also lists spools of processes on other machines and in other containers, of which nobody here can tell whether they
   * still run. Default false.
   */
  readonly foreign?: boolean | undefined;
}

/**
 * Lists the spools that processes have left behind, the oldest first. Those of living processes are never among them. A process
 * that was killed in the moment in which it made its spool leaves an empty one, which is listed ten minutes later.
 *
 * What is on this disk is all that can be listed here. A process that was killed after the server had begun an upload, and before
 * its id was written down, leaves an upload that the server alone knows: the store's `sweep` finds it by the object's key, as
 * it finds those of writers without a spool.
 */
export async function pendingUploads(options: PendingOptions = {}): Promise<PendingUpload[]> {
  const { directory = defaultSpoolDirectory(), foreign = false } = options;
  return withFileErrors(`look for spools in ${directory}`, "spool", async () => {
    const pending: PendingUpload[] = [];
    const here = resolve(directory);
    const common = defaultSpoolDirectory();
    for (const place of await SpoolPlace.list(here)) {
      const owner = await place.owner();
      if (owner !== "running" && (owner !== "unknown" || foreign)) pending.push(await describe(place));
    }
    // What is left on servers of spools that were here.
    for (const place of here === common ? [] : await SpoolPlace.list(common)) {
      const from = (await new SpoolJournal(place.journal).state())?.from;
      if (from !== here) continue;
      const owner = await place.owner();
      if (owner === "released" || owner === "ended") pending.push(await describe(place));
    }
    return pending;
  });
}

/**
 * Goes on with an upload: the parts that the server still has, as the journal knows them, are not sent again. When it fails, the
 * spool stays as it is and can be resumed once more.
 * @throws PeekpackError `unfinished` when the archive was never completed, `conflict` when another process has taken the
 * spool, and what the target throws
 * @throws TypeError when the target is not the one that the spool was meant for
 */
export async function resumeUpload(
  pending: PendingUpload,
  target: UploadTarget,
  options: SpoolUploadOptions = {},
): Promise<WriteResult> {
  const place = SpoolPlace.at(pending.path);
  return withFileErrors(`resume the spool ${pending.path}`, "spool", async () => {
    await place.claim();
    try {
      const journal = new SpoolJournal(place.journal);
      const state = await journal.state();
      checkTarget(state, target);
      const { header, bodySize, upload, committing } = await wholeState(place, state);
      const handle = await open(place.body, "r");
      try {
        const content = spoolContent(header, bodySize, {
          read: (start, end) => readExactly(handle, start, end),
        });
        const stored = await uploadSpool(target, content, journal, {
          ...options,
          ...(upload === undefined ? {} : { resume: upload }),
          again: committing,
          keepParts: true,
        });
        await handle.close();
        await place.remove();
        return writeResult(stored, target);
      } finally {
        await handle.close().catch(() => {});
      }
    } catch (error) {
      await place.release().catch(() => {});
      throw error;
    }
  });
}

/**
 * Gives an upload up: removes its parts from the server and the spool from the disk. An archive that had already appeared
 * stays. Where the server cannot be reached the spool stays listed.
 * @throws PeekpackError `conflict` when another process has taken the spool, and what the target throws
 */
export async function discardUpload(
  pending: PendingUpload,
  target?: UploadTarget,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const place = SpoolPlace.at(pending.path);
  await withFileErrors(`discard the spool ${pending.path}`, "spool", async () => {
    await place.claim();
    try {
      const state = await new SpoolJournal(place.journal).state();
      if (state?.upload !== undefined) {
        if (target === undefined)
          throw new TypeError("Parts are on the server: the target is needed to remove them.");
        checkTarget(state, target);
        await target.abortUpload(state.upload.upload, options);
      }
      await place.remove();
    } catch (error) {
      await place.release().catch(() => {});
      throw error;
    }
  });
}

async function describe(place: SpoolPlace): Promise<PendingUpload> {
  const journal = await new SpoolJournal(place.journal).state();
  const whole = await wholeState(place, journal).then(
    () => true,
    () => false,
  );
  const upload = journal?.upload;
  let state: PendingUpload["state"] = upload === undefined ? "unfinished" : "orphan";
  if (whole) state = journal?.committing ? "committing" : upload === undefined ? "sealed" : "uploading";
  const { header, bodySize } = journal ?? {};
  return {
    path: place.path,
    target: journal?.target,
    put: journal?.put,
    begun: journal?.begun,
    state,
    size: header === undefined || bodySize === undefined ? undefined : header.length + bodySize,
    bytesUploaded: (upload?.parts ?? []).reduce((sum, { size }) => sum + size, 0),
    failure: journal?.failure,
  };
}

/** @throws TypeError when the spool was meant for another object, or under another condition */
function checkTarget(state: JournalState | undefined, target: UploadTarget): void {
  if (state === undefined) return;
  if (state.target !== target.label) {
    throw new TypeError(`The spool is meant for ${state.target}, and not for ${target.label}.`);
  }
  if (JSON.stringify(state.put) !== JSON.stringify(target.put)) {
    throw new TypeError(`The spool is meant to be put by ${JSON.stringify(state.put)}.`);
  }
}

/** @throws PeekpackError `unfinished` when the archive is not whole on this disk */
async function wholeState(
  place: SpoolPlace,
  state: JournalState | undefined,
): Promise<JournalState & { readonly header: Uint8Array; readonly bodySize: number }> {
  const unfinished = (why: string): PeekpackError =>
    new PeekpackError("unfinished", `The spool ${place.path} cannot be uploaded: ${why}.`, {
      section: "spool",
    });
  const { header, bodySize } = state ?? {};
  if (state === undefined || header === undefined || bodySize === undefined) {
    throw unfinished("its archive was never completed");
  }
  if (!state.synced && (await place.isOfEarlierBoot()))
    throw unfinished("the machine ended before its disk had it all");
  if ((await place.bodySize()) !== bodySize) throw unfinished("its file is not there, or not whole");
  return { ...state, header, bodySize };
}
