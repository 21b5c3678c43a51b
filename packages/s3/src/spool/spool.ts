import { PeekpackError } from "@peekpack/core";
import type { UploadContent } from "../upload.js";
import { nextState, type SpoolState, type SpoolStep, type UnusableSpool } from "./spool-state.js";

/**
 * The journal of one spool, in a file or a database. Each record has a checksum. Only the owner of the spool writes to it.
 */
export interface JournalStore {
  /** Reads the state. Undefined if a spool was just being created when its owner ended. */
  read(): Promise<SpoolState | UnusableSpool | undefined>;
  /**
   * Records a step. A journal keeps either the steps, or the state after the last one. Resolves when the record survives the end
   * of this process or page.
   */
  record(step: SpoolStep, next: SpoolState): Promise<void>;
}

/** The archive of one spool, in a file or in parts. */
export interface PartStore {
  /** Opens the complete archive. @throws PeekpackError `unfinished` if it is incomplete */
  open(): Promise<SpooledArchive>;
  /** Removes a part that the server has confirmed. Absent if parts cannot be removed one by one. */
  remove?(number: number): Promise<void>;
}

/** The complete archive of a spool. Checks all bytes that it reads. @throws PeekpackError `corrupt`, `truncated` from `read` */
export interface SpooledArchive extends UploadContent {
  readonly header: Uint8Array;
  /** The archive is best read in pieces that start at multiples of this many bytes. */
  readonly pieceBytes: number;
  close(): Promise<void>;
}

/** Where one spool is stored. This process, page or worker owns the spool. */
export interface SpoolStorage {
  readonly journal: JournalStore;
  readonly parts: PartStore;
  /** Removes the spool. If this is interrupted, the rest is still recognized as a spool that is to be removed. */
  remove(): Promise<void>;
  /** Lets another owner acquire the spool, if it is still there. */
  release(): Promise<void>;
  /**
   * Keeps the journal elsewhere, so that the spool can be removed although parts may be on the server. Absent if the spool has to
   * stay for that.
   */
  leaveOrphan?(): Promise<void>;
}

/** The journal and the state of a spool that is in use. */
export class Spool {
  readonly storage: SpoolStorage;
  #state: SpoolState;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(storage: SpoolStorage, state: SpoolState) {
    this.storage = storage;
    this.#state = state;
  }

  /**
   * Reads the journal.
   * @throws PeekpackError `corrupt` if the journal is damaged, `denied` if another version of peekpack wrote it, `unfinished` if it
   * is empty
   */
  static async open(storage: SpoolStorage): Promise<Spool> {
    const state = await storage.journal.read();
    if (state === undefined) throw unfinished("nothing was written to it");
    if ("unusable" in state) throw unusable(state);
    return new Spool(storage, state);
  }

  get state(): SpoolState {
    return this.#state;
  }

  /** Records a step, after those before it, and changes the state. */
  record(step: SpoolStep): Promise<void> {
    const recorded = this.#last.then(async () => {
      const next = nextState(this.#state, step);
      if (next === undefined)
        throw new PeekpackError("corrupt", "The spool has no upload.", { section: "spool" });
      await this.storage.journal.record(step, next);
      this.#state = next;
    });
    this.#last = recorded.catch(() => {});
    return recorded;
  }
}

/** The error for a spool that cannot be uploaded. */
export function unfinished(reason: string): PeekpackError {
  return new PeekpackError("unfinished", `The archive of this spool cannot be uploaded: ${reason}.`, {
    section: "spool",
  });
}

/** The error for a spool that this version cannot use. */
export function unusable({ unusable, problem }: UnusableSpool): PeekpackError {
  return new PeekpackError(
    unusable === "damaged" ? "corrupt" : "denied",
    `The spool is ${unusable}: ${problem}.`,
    { section: "spool" },
  );
}
