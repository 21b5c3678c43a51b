import type { ArchiveSink, WriteResult } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import {
  discardSpool,
  exportSpool,
  type RetargetOptions,
  resumeSpool,
  type SpoolStorage,
  type SpoolUploadOptions,
  type TransferOptions,
  withSpool,
} from "@peekpack/s3/internal";
import { withFileErrors } from "./file-error.js";
import type { PendingUpload } from "./pending-uploads.js";
import { SpoolFolder } from "./spool-folder.js";
import { folderStorage } from "./spool-storage.js";

/** Options of {@link resumeUpload}. The same as in `@peekpack/web-storage`. */
export interface ResumeOptions extends SpoolUploadOptions, RetargetOptions {}

/**
 * Continues an upload: parts that both the journal and the server have are not sent again. If it fails, the spool stays and can
 * be resumed once more.
 * @throws PeekpackError `unfinished` if the archive is incomplete, `corrupt` if it or its journal is damaged, `denied` if the
 * path is no spool of this user and version, `conflict` if another process uses the spool, and the target's errors
 * @throws TypeError if the spool belongs to another target, unless `changeTarget` allows it
 */
export async function resumeUpload(
  pending: PendingUpload,
  target: UploadTarget,
  options: ResumeOptions = {},
): Promise<WriteResult> {
  return withFileErrors(`resume the spool ${pending.path}`, "spool", async () =>
    withSpool(await acquire(pending.path), (storage) => resumeSpool(storage, target, options)),
  );
}

/**
 * Copies the complete archive of a spool to a sink, such as a `fileSink`. The spool stays.
 * @throws PeekpackError as {@link resumeUpload}, and the sink's errors
 */
export async function exportUpload(pending: PendingUpload, sink: ArchiveSink): Promise<WriteResult> {
  return withFileErrors(`export the spool ${pending.path}`, "spool", async () =>
    withSpool(await acquire(pending.path), (storage) => exportSpool(storage, sink)),
  );
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
  await withFileErrors(`discard the spool ${pending.path}`, "spool", async () => {
    const acquired = await acquire(pending.path);
    if (acquired === undefined) return;
    await withSpool(acquired, (storage) => discardSpool(storage, target, options));
  });
}

/** Makes this process the owner of a spool; undefined if it does not exist. @throws PeekpackError `denied`, `conflict` */
async function acquire(path: string): Promise<SpoolStorage | undefined> {
  const folder = await SpoolFolder.find(path);
  await folder?.acquire();
  return folder && folderStorage(folder);
}
