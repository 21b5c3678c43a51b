import type { JournalStore, PartStore, SpoolStorage } from "@peekpack/s3/internal";
import { openMedium } from "./choose-part-medium.js";
import type { Database } from "./database.js";
import { headAfter, type SealedPart, type SpoolHead, stateOf } from "./journal-record.js";
import { acquireLock, type HeldLock, spoolConflict, spoolLockName } from "./locks.js";
import { openArchive } from "./part-archive.js";
import type { PartMedium } from "./part-medium.js";
import { spoolDatabase } from "./spool-database.js";
import { type SpoolJournal, type SpoolRecord, spoolJournal } from "./spool-journal.js";

/** A spool whose lock this page or worker holds. */
export class BrowserSpool implements SpoolStorage {
  readonly id: string;
  readonly journal: JournalStore;
  readonly parts: PartStore;
  readonly #directory: string;
  readonly #lock: HeldLock;
  readonly #database: Database;
  readonly #records: SpoolJournal;
  /** The last state of the records; undefined if there are none, or they are unusable. */
  #record: SpoolRecord | undefined;
  #medium: PartMedium | undefined;

  private constructor(directory: string, id: string, lock: HeldLock, database: Database) {
    this.id = id;
    this.#directory = directory;
    this.#lock = lock;
    this.#database = database;
    this.#records = spoolJournal(database);
    this.journal = {
      read: async () => {
        const found = await this.#records.read(id);
        this.#record = found === undefined || "unusable" in found ? undefined : found;
        return found === undefined || "unusable" in found
          ? found
          : stateOf(found.head, found.sealed, found.uploaded);
      },
      record: async (step, next) => {
        if ("part" in step) await this.#records.uploaded(id, step.part);
        else await this.#write(headAfter(this.head, next), "upload" in step || "abandoned" in step);
      },
    };
    this.parts = {
      open: async () => openArchive(this.#known, this.medium),
      remove: (number) => this.medium.remove(id, number),
    };
  }

  /**
   * Acquires the lock of a spool. The spool need not exist.
   * @throws PeekpackError `conflict` if another page or worker holds it
   */
  static async acquire(directory: string, id: string): Promise<BrowserSpool> {
    const lock = await acquireLock(spoolLockName(directory, id));
    if (lock === undefined) throw spoolConflict();
    return new BrowserSpool(directory, id, lock, spoolDatabase(directory));
  }

  /** Begins the journal of a new spool, whose parts go to a medium that `choose` returns. */
  async begin(
    head: Omit<SpoolHead, "id" | "storage">,
    choose: (database: Database) => Promise<PartMedium>,
  ): Promise<void> {
    this.#medium = await choose(this.#database);
    this.#record = {
      head: { ...head, id: this.id, storage: this.#medium.storage },
      sealed: new Map(),
      uploaded: new Map(),
    };
    await this.#records.write(this.head);
  }

  get head(): SpoolHead {
    return this.#known.head;
  }

  get medium(): PartMedium {
    this.#medium ??= openMedium(this.#directory, this.#database, this.head.storage);
    return this.#medium;
  }

  /** Records a sealed part. */
  async addPart(number: number, part: SealedPart): Promise<void> {
    await this.#records.sealed(this.id, number, part);
    this.#record = { ...this.#known, sealed: new Map([...this.#known.sealed, [number, part]]) };
  }

  /** Records that all parts are sealed. */
  async seal(header: Uint8Array): Promise<void> {
    await this.#write({
      ...this.head,
      state: "sealed",
      header: header.slice(),
      partCount: this.#known.sealed.size,
    });
  }

  /** Whether the spool exists and is not about to be removed. */
  async exists(): Promise<boolean> {
    const found = await this.#records.read(this.id);
    return found !== undefined && ("unusable" in found || found.head.state !== "done");
  }

  async remove(): Promise<void> {
    if (this.#record === undefined) {
      for (const storage of ["opfs", "indexeddb"] as const) {
        // If the browser refuses one of the two, it has no parts.
        await openMedium(this.#directory, this.#database, storage)
          .removeAll(this.id)
          .catch(() => {});
      }
    } else {
      // If this is interrupted, the next `pendingUploads` removes the rest.
      await this.#write({ ...this.head, state: "done" });
      await this.medium.removeAll(this.id);
    }
    await this.#records.remove(this.id);
  }

  async release(): Promise<void> {
    this.#medium?.close();
    this.#database.close();
    this.#lock.release();
  }

  get #known(): SpoolRecord {
    if (this.#record === undefined) throw new Error("The journal was not read.");
    return this.#record;
  }

  async #write(head: SpoolHead, newUpload = false): Promise<void> {
    await this.#records.write(head, newUpload);
    this.#record = { ...this.#known, head };
  }
}
