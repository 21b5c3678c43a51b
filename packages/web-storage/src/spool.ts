import { PeekpackError } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import type { TransferOptions } from "@peekpack/s3/internal";
import type { Database } from "./database.js";
import type { SealedPart, SpoolHead } from "./journal-record.js";
import type { HeldLock } from "./locks.js";
import type { PartStore } from "./part-store.js";
import type { SpoolJournal, SpoolRecord } from "./spool-journal.js";

/** Resources of an acquired spool. */
export interface SpoolResources {
  readonly lock: HeldLock;
  readonly database: Database;
  readonly journal: SpoolJournal;
  readonly parts: PartStore;
}

/** A spool whose lock this page or worker holds. */
export interface Spool extends SpoolResources {
  readonly head: SpoolHead;
  readonly sealed: ReadonlyMap<number, SealedPart>;
  readonly uploaded: SpoolRecord["uploaded"];
  /** Changes the head, in the journal first. `newUpload` also forgets which parts are uploaded. */
  update(change: Partial<SpoolHead>, newUpload?: boolean): Promise<void>;
  /** Records a sealed part. */
  addPart(number: number, part: SealedPart): Promise<void>;
  /** Removes the parts and the journal. */
  remove(): Promise<void>;
  /** Releases the lock and closes the resources. */
  release(): void;
}

/** Makes a {@link Spool} from its record. */
export function acquiredSpool(resources: SpoolResources, record: SpoolRecord): Spool {
  const { journal, parts, lock, database } = resources;
  const sealed = new Map(record.sealed);
  let { head } = record;
  let last: Promise<unknown> = Promise.resolve();
  const spool: Spool = {
    ...resources,
    get head() {
      return head;
    },
    sealed,
    uploaded: record.uploaded,
    update(change, newUpload) {
      // One at a time: each starts from the result of the one before.
      const updated = last.then(async () => {
        const next = { ...head, ...change };
        await journal.write(next, newUpload);
        head = next;
      });
      last = updated.catch(() => {});
      return updated;
    },
    async addPart(number, part) {
      await journal.sealed(head.id, number, part);
      sealed.set(number, part);
    },
    async remove() {
      // If this is interrupted, the next `pendingUploads` removes the rest.
      await spool.update({ state: "done" });
      await parts.removeAll(head.id);
      await journal.remove(head.id);
    },
    release() {
      parts.close();
      database.close();
      lock.release();
    },
  };
  return spool;
}

/** Removes the parts of a spool's uploads from the server, then the spool. */
export async function discardSpool(
  spool: Spool,
  target: UploadTarget,
  options?: TransferOptions,
): Promise<void> {
  const { upload, abandoned } = spool.head;
  for (const open of upload === undefined ? abandoned : [upload, ...abandoned]) {
    await target.abortUpload(open, options);
  }
  await spool.remove();
}

/** Size of the archive in bytes, or of its sealed parts. */
export function spoolSize({ head, sealed }: Pick<SpoolRecord, "head" | "sealed">): number {
  let size = head.header?.length ?? 0;
  for (const part of sealed.values()) size += part.size;
  return size;
}

/** The error for a spool whose lock another page or worker holds. */
export function spoolConflict(): PeekpackError {
  return new PeekpackError("conflict", "Another page or worker uses this spool.", { section: "spool" });
}
