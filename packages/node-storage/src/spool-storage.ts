import type { SpoolStorage } from "@peekpack/s3/internal";
import { openArchive } from "./complete-archive.js";
import { defaultSpoolDirectory } from "./spool-directory.js";
import { SpoolFolder } from "./spool-folder.js";
import { SpoolJournal } from "./spool-journal.js";

/** The storage of a spool in a folder that this process owns: a journal, and the body in one file. */
export function folderStorage(
  folder: SpoolFolder,
  journal: SpoolJournal = new SpoolJournal(folder.journal),
): SpoolStorage {
  let removed = false;
  return {
    journal,
    parts: {
      async open() {
        const state = await journal.read();
        return openArchive(folder, state === undefined || "unusable" in state ? undefined : state);
      },
    },
    async remove() {
      await folder.remove();
      removed = true;
    },
    async release() {
      if (!removed) await folder.release();
    },
    async leaveOrphan() {
      // In the default directory, so that the spool's own is left empty.
      const orphan = await SpoolFolder.create(defaultSpoolDirectory());
      try {
        await journal.copyTo(orphan.journal, folder.directory);
        await orphan.release();
      } catch (error) {
        await orphan.remove().catch(() => {});
        throw error;
      }
    },
  };
}
