import { type ArchiveSink, PeekpackError, type WriteResult } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import { checkRecordedTarget, isRecordedTarget, type TransferOptions } from "@peekpack/s3/internal";
import { completeState, withArchive } from "./complete-archive.js";
import { withFileErrors } from "./file-error.js";
import type { PendingUpload } from "./pending-uploads.js";
import { Spool } from "./spool.js";
import { type JournalState, SpoolJournal } from "./spool-journal.js";
import { type SpoolUploadOptions, uploadSpool, writeResult } from "./spool-upload.js";

// Unit of the copy.
const EXPORT_BYTES = 2 ** 20;

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
    if (old !== undefined && !isRecordedTarget(old, target)) {
      if (!changeTarget) checkRecordedTarget(old, target);
      await completeState(spool, old);
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

/**
 * Removes the parts of an upload from the server, and the spool from the disk. An object that is stored already stays. If
 * the server cannot be reached, the spool stays listed. Removes nothing but spools of this user and version. The parts of a
 * damaged spool are not known: the store's `sweep` finds them.
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
      checkRecordedTarget(state, target);
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
