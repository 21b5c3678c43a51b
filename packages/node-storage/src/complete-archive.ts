import { constants } from "node:fs";
import { PeekpackError } from "@peekpack/core";
import type { UploadContent } from "@peekpack/s3/internal";
import { readExactly } from "./append-file.js";
import { openPrivate } from "./private-files.js";
import type { Spool } from "./spool.js";
import type { JournalState, SealedArchive } from "./spool-journal.js";
import { spoolContent } from "./spool-upload.js";

/** A journal of a complete archive. */
export type CompleteState = JournalState & { readonly sealed: SealedArchive };

/** Opens the complete archive of a spool. @throws PeekpackError `unfinished` */
export async function withArchive<T>(
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

/** @throws PeekpackError `unfinished` if the disk does not have the whole archive */
export async function completeState(spool: Spool, state: JournalState | undefined): Promise<CompleteState> {
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
