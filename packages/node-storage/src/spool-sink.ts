import { join } from "node:path";
import type { DisposableSink, UploadTarget } from "@peekpack/s3";
import { choosePartSize, type NewSpool, type SpoolWriteOptions, uploadingSink } from "@peekpack/s3/internal";
import { AppendFile } from "./append-file.js";
import { BlockChecksums } from "./block-checksums.js";
import { fileError } from "./file-error.js";
import { defaultSpoolDirectory, durableSpoolDirectory } from "./spool-directory.js";
import { SpoolFolder } from "./spool-folder.js";
import { SpoolJournal } from "./spool-journal.js";
import { folderStorage } from "./spool-storage.js";
import { fileTableSpill } from "./table-spill.js";

/** Options of {@link spoolSink}. The same as in `@peekpack/web-storage`, but that `directory` is a path here. */
export interface SpoolSinkOptions extends SpoolWriteOptions {
  /**
   * Directory of the spools. Default: one of this user below the system's temporary directory; for durable spools, which must
   * survive a reboot, below XDG_STATE_HOME or `~/.local/state`.
   */
  readonly directory?: string | undefined;
}

/**
 * Writes the archive to a temporary file, and uploads it when it is complete: as one PUT if it is small, else in parts. Only
 * a few parts are in memory. If anything fails, the old object is unchanged, and the multipart upload and the temporary file
 * are removed, unless `durable` keeps them. After a crash `pendingUploads` lists what is left.
 * @throws PeekpackError from its calls: `quota` if the disk is full or `maxBytes` is exceeded, and the target's errors
 * @throws PeekpackError `denied` if Deno has no permission to find the default directory
 * @throws RangeError from its calls if `partSize` or `concurrency` is out of range
 */
export function spoolSink(target: UploadTarget, options: SpoolSinkOptions = {}): DisposableSink {
  const { durable = false } = options;
  const { directory = durable ? durableSpoolDirectory() : defaultSpoolDirectory() } = options;
  return uploadingSink(target, options, {
    spills: true,
    create: () => createSpool(target, directory, options),
    convertError: (error) => fileError(error, `spool to ${directory}`, "spool"),
  });
}

async function createSpool(
  target: UploadTarget,
  directory: string,
  options: SpoolSinkOptions,
): Promise<NewSpool> {
  const { partSize } = options;
  // Only checked: without a part size, the upload chooses one by the archive's size.
  choosePartSize({ partSize });
  const folder = await SpoolFolder.create(directory);
  try {
    const journal = new SpoolJournal(folder.journal);
    await journal.begin(target.label, target.put, partSize);
    const file = await AppendFile.create(folder.body, 0, options);
    const checksums = new BlockChecksums();
    const synced = options.durable ?? false;
    return {
      storage: folderStorage(folder, journal),
      writer: {
        get size() {
          return file.size;
        },
        async append(chunk) {
          checksums.append(chunk);
          await file.append(chunk);
        },
        async seal(header) {
          await (synced ? file.sync() : file.flush());
          const bodySize = file.size;
          await file.close();
          await journal.sealed({ header, bodySize, synced, blocks: checksums.value() });
        },
        cancel: () => file.close().catch(() => {}),
        spill: () => fileTableSpill(join(folder.path, "table")),
      },
    };
  } catch (error) {
    await folder.remove().catch(() => {});
    throw error;
  }
}
