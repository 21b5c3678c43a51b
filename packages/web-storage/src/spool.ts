import { PeekpackError } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import type { TransferOptions } from "@peekpack/s3/internal";
import type { Database } from "./database.js";
import type { HeldLock } from "./locks.js";
import type { PartStore } from "./part-store.js";
import type { SealedPart, SpoolHead, SpoolJournal, SpoolRecord } from "./spool-journal.js";

/** What a spool that is worked on holds: its lock, first of all. */
export interface SpoolPlace {
  readonly lock: HeldLock;
  readonly database: Database;
  readonly journal: SpoolJournal;
  readonly parts: PartStore;
}

/** A spool that is worked on. */
export interface Spool extends SpoolPlace {
  readonly head: SpoolHead;
  readonly sealed: ReadonlyMap<number, SealedPart>;
  readonly uploaded: SpoolRecord["uploaded"];
  /** Changes the head, in the journal first. */
  change(change: Partial<SpoolHead>, anew?: boolean): Promise<void>;
  /** Notes a part that is whole on the disk. */
  note(number: number, part: SealedPart): Promise<void>;
  /** Removes all that there is of the spool, and forgets it. */
  remove(): Promise<void>;
  /** Lets others work on it. */
  leave(): void;
}

/** Takes a spool up, as its record has it. */
export function takeUp(place: SpoolPlace, record: SpoolRecord): Spool {
  const { journal, parts, lock, database } = place;
  const sealed = new Map(record.sealed);
  let { head } = record;
  let last: Promise<unknown> = Promise.resolve();
  const spool: Spool = {
    ...place,
    get head() {
      return head;
    },
    sealed,
    uploaded: record.uploaded,
    change(change, anew) {
      // One after the other: each goes out from the one before.
      const changing = last.then(async () => {
        const next = { ...head, ...change };
        await journal.write(next, anew);
        head = next;
      });
      last = changing.catch(() => {});
      return changing;
    },
    async note(number, part) {
      await journal.sealed(head.id, number, part);
      sealed.set(number, part);
    },
    async remove() {
      // From here on it is rubbish, whatever happens.
      await spool.change({ state: "done" });
      await parts.removeAll(head.id);
      await journal.remove(head.id);
    },
    leave() {
      parts.close();
      database.close();
      lock.release();
    },
  };
  return spool;
}

/** Removes what the server has of a spool's uploads, then the spool. */
export async function giveUp(spool: Spool, target: UploadTarget, options?: TransferOptions): Promise<void> {
  const { upload, abandoned } = spool.head;
  for (const begun of upload === undefined ? abandoned : [upload, ...abandoned]) {
    await target.abortUpload(begun, options);
  }
  await spool.remove();
}

/** Bytes of the whole archive, or of what is sealed of it. */
export function spoolSize({ head, sealed }: Pick<SpoolRecord, "head" | "sealed">): number {
  let size = head.header?.length ?? 0;
  for (const part of sealed.values()) size += part.size;
  return size;
}

/** The error for a spool that another page or worker is at work on. */
export function busy(): PeekpackError {
  return new PeekpackError("conflict", "Another page or worker is at work on this spool.", {
    section: "spool",
  });
}
