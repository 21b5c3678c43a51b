import { join } from "node:path";
import { isPeekpackError, type WriteResult } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import { progressReporter, type StoredObject } from "@peekpack/s3/internal";
import { AppendFile, type SizeLimits } from "./append-file.js";
import { BlockChecksums } from "./block-checksums.js";
import { withFileErrors } from "./file-error.js";
import { type DisposableSink, serialSink } from "./serial-sink.js";
import { Spool } from "./spool.js";
import { defaultSpoolDirectory, durableSpoolDirectory } from "./spool-directory.js";
import { SpoolJournal } from "./spool-journal.js";
import { type SpoolUploadOptions, spoolContent, uploadSpool, writeResult } from "./spool-upload.js";
import { fileTableSpill } from "./table-spill.js";

/** Options of {@link spoolSink}. The same as in `@peekpack/web-storage`, but that `directory` is a path here. */
export interface SpoolSinkOptions extends SpoolUploadOptions, SizeLimits {
  /**
   * Directory of the spools. Default: one of this user below the system's temporary directory; for durable spools, which must
   * survive a reboot, below XDG_STATE_HOME or `~/.local/state`.
   */
  readonly directory?: string | undefined;
  /**
   * Size of every part but the last in bytes, at least 5 MiB. Default 16 MiB, more if 10,000 parts could not hold the
   * archive.
   */
  readonly partSize?: number | undefined;
  /**
   * Keeps a complete archive whose upload fails: `pendingUploads` lists it, and `resumeUpload` continues. The archive is
   * synced to the disk before the upload, so that it survives a crash of the machine. Default false: a failed upload
   * leaves nothing behind. If the process ends, its spool is kept in either case.
   */
  readonly durable?: boolean | undefined;
}

/**
 * Writes the archive to a temporary file, and uploads it when it is complete: as one PUT if it is small, else in parts. Only
 * a few parts are in memory. If anything fails, the old object is unchanged, and the multipart upload and the temporary file
 * are removed, unless `durable` keeps them. After a crash `pendingUploads` lists what is left.
 * @throws PeekpackError from its calls: `quota` if the disk is full or `maxBytes` is exceeded, and the target's errors
 */
export function spoolSink(target: UploadTarget, options: SpoolSinkOptions = {}): DisposableSink {
  const { durable = false, signal } = options;
  const { directory = durable ? durableSpoolDirectory() : defaultSpoolDirectory() } = options;
  const action = `spool to ${directory}`;
  const progress = progressReporter(options.onProgress);
  let opening: Promise<OpenSpool> | undefined;

  const cleanUp = async (): Promise<void> => {
    const opened = await opening?.catch(() => undefined);
    opening = undefined;
    await opened?.file.close().catch(() => {});
    await opened?.spool.remove();
  };
  const withSpool = <T>(work: (opened: OpenSpool) => Promise<T>): Promise<T> =>
    withFileErrors(action, "spool", async () => {
      signal?.throwIfAborted();
      opening ??= openSpool(target, directory, options);
      return work(await opening);
    });

  return serialSink({
    label: target.label,
    write: (chunk) =>
      withSpool(async ({ file, checksums }) => {
        checksums.append(chunk);
        await file.append(chunk);
        progress.update({ bytesProduced: file.size }, true);
      }),
    spill: () => withSpool(({ spool }) => fileTableSpill(join(spool.path, "table"))),
    finish: (header) =>
      withSpool(async (opened): Promise<WriteResult> => {
        const { file, journal, checksums } = opened;
        await (durable ? file.sync() : file.flush());
        const sealed = { header, bodySize: file.size, synced: durable, blocks: checksums.value() };
        await journal.sealed(sealed);
        signal?.throwIfAborted();
        let stored: StoredObject;
        try {
          const upload = { ...options, keepParts: durable };
          stored = await uploadSpool(target, spoolContent(sealed, file), journal, upload);
        } catch (error) {
          await file.close();
          if (await keepFailed(opened, durable, error).catch(() => false)) opening = undefined;
          throw error;
        }
        // The object is stored. If the spool cannot be removed, it stays listed, and resuming it finds the object.
        await cleanUp().catch(() => {});
        return writeResult(stored, target);
      }),
    cleanUp,
  });
}

interface OpenSpool {
  readonly spool: Spool;
  readonly file: AppendFile;
  readonly journal: SpoolJournal;
  readonly checksums: BlockChecksums;
}

async function openSpool(
  target: UploadTarget,
  directory: string,
  options: SpoolSinkOptions,
): Promise<OpenSpool> {
  const spool = await Spool.create(directory);
  try {
    const journal = new SpoolJournal(spool.journal);
    await journal.begin(target.label, target.put, options.partSize);
    const file = await AppendFile.create(spool.body, 0, options);
    return { spool, journal, file, checksums: new BlockChecksums() };
  } catch (error) {
    await spool.remove().catch(() => {});
    throw error;
  }
}

/**
 * Keeps what is still useful of a failed upload: the whole spool if it is durable. Otherwise only the journal, if the server
 * could not confirm that the multipart upload is gone; it moves to the default directory, so that the spool's own is left
 * empty. Returns whether the spool stays where it is.
 */
async function keepFailed({ spool, journal }: OpenSpool, durable: boolean, error: unknown): Promise<boolean> {
  const failure = isPeekpackError(error) ? error.code : "stopped";
  if (durable) {
    await journal.failed(failure);
    await spool.release();
    return true;
  }
  if ((await journal.state())?.upload === undefined) return false;
  const orphan = await Spool.create(defaultSpoolDirectory());
  await (await journal.copyTo(orphan.journal, spool.directory)).failed(failure);
  await orphan.release();
  return false;
}
