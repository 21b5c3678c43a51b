import { constants } from "node:fs";

import { copyFile } from "node:fs/promises";
import { isPeekpackError, PeekpackError } from "@peekpack/core";
import type { PutMode } from "@peekpack/s3";
import type { OpenUpload, UploadedPart, UploadState } from "@peekpack/s3/internal";
import { isErrno } from "./file-error.js";
import { decodeLine, encodeLine, type JournalEntry, LAYOUT, layoutOf } from "./journal-line.js";
import { openPrivate, readPrivateText } from "./private-files.js";

/** What a spool's journal records. */
export interface JournalState {
  /** Label of the target. */
  readonly target: string;
  readonly put: PutMode;
  /** Part size that the sink was given; undefined for the default. */
  readonly partSize: number | undefined;
  /** When the spool was created. */
  readonly begun: Date;
  /** What the journal records of the complete archive. */
  readonly sealed: SealedArchive | undefined;
  /** The multipart upload that is open, or may be. */
  readonly upload: UploadState | undefined;
  /** Whether the request that stores the object may have been sent. */
  readonly committing: boolean;
  /** Code of the error that the last upload failed with. */
  readonly failure: string | undefined;
  /** The original directory of the spool, if only its journal is left, in the default directory. */
  readonly from: string | undefined;
}

/** A complete archive in a spool. */
export interface SealedArchive {
  readonly header: Uint8Array;
  /** Size of the body in bytes. */
  readonly bodySize: number;
  /** Whether the body was synced to the disk, and so survives a crash of the machine. */
  readonly synced: boolean;
  /** Checksums of the body's blocks. */
  readonly blocks: Uint8Array;
}

/** A journal whose spool this version cannot use. */
export interface UnusableJournal {
  /** `damaged`: its bytes have changed. `unsupported`: another version of peekpack wrote it. */
  readonly unusable: "damaged" | "unsupported";
  readonly problem: string;
}

/** A journal to which lines are appended. Each call resolves when its line is written. */
export class SpoolJournal {
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();
  /** Sequence number of the next line; undefined until the journal was read. */
  #next: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Begins the journal of a new spool. */
  async begin(target: string, put: PutMode, partSize: number | undefined): Promise<void> {
    this.#next = 1;
    await this.#append({ v: LAYOUT, target, put, begun: new Date().toISOString(), partSize }, true);
  }

  /** Records that the archive is complete. The body is in its own file. */
  async sealed({ header, bodySize, synced, blocks }: SealedArchive): Promise<void> {
    await this.#append({ sealed: base64(header), bodySize, synced, blocks: base64(blocks) }, true);
  }

  async upload(upload: OpenUpload, partSize: number): Promise<void> {
    await this.#append({ upload, partSize }, true);
  }

  async part(part: UploadedPart): Promise<void> {
    // Not synced: a part whose line is lost is uploaded again.
    await this.#append({ part }, false);
  }

  async committing(): Promise<void> {
    await this.#append({ committing: true }, true);
  }

  async abandoned(upload: OpenUpload, gone: boolean): Promise<void> {
    await this.#append({ abandoned: upload.id, gone }, true);
  }

  /** Records another target or write condition. */
  async retarget(target: string, put: PutMode): Promise<void> {
    await this.#append({ retarget: target, put }, true);
  }

  async failed(failure: string): Promise<void> {
    await this.#append({ failure }, false);
  }

  /** Copies the journal, and records the directory that it came from. */
  async copyTo(path: string, from: string): Promise<SpoolJournal> {
    await this.#last;
    await copyFile(this.#path, path, constants.COPYFILE_EXCL);
    const copy = new SpoolJournal(path);
    await copy.#append({ from }, true);
    return copy;
  }

  /**
   * The current state. Undefined if there is no complete first line.
   * @throws PeekpackError `corrupt` if the journal is damaged, `denied` if another version of peekpack wrote it
   */
  async state(): Promise<JournalState | undefined> {
    const state = await this.read();
    if (state === undefined || !("unusable" in state)) return state;
    throw new PeekpackError(
      state.unusable === "damaged" ? "corrupt" : "denied",
      `The spool is ${state.unusable}: ${state.problem}.`,
      { section: "spool" },
    );
  }

  /** Like {@link state}, but returns why a journal is unusable. */
  async read(): Promise<JournalState | UnusableJournal | undefined> {
    await this.#last;
    const { journal, next } = await readJournal(this.#path);
    this.#next = next;
    return journal;
  }

  #append(entry: JournalEntry, sync: boolean): Promise<void> {
    const appended = this.#last.then(async () => {
      this.#next ??= (await readJournal(this.#path)).next;
      const line = encodeLine(this.#next++, entry);
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
      const handle = await openPrivate(this.#path, flags, 0o600);
      try {
        // Starts with a newline: a crash may have left half a line.
        await handle.appendFile(`\n${line}\n`);
        if (sync) await handle.datasync();
      } finally {
        await handle.close();
      }
    });
    this.#last = appended.catch(() => {});
    return appended;
  }
}

/** Reads a journal, and the sequence number of its next line. The state is undefined if there is no complete first line. */
async function readJournal(
  path: string,
): Promise<{ readonly journal: JournalState | UnusableJournal | undefined; readonly next: number }> {
  const content = await readPrivateText(path).catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return "";
    throw error;
  });
  const layout = layoutOf(content);
  if (layout !== undefined && layout !== LAYOUT) {
    const problem = `it has layout ${layout}, and this version reads layout ${LAYOUT}`;
    return { journal: { unusable: "unsupported", problem }, next: 0 };
  }
  try {
    const entries = entriesOf(content);
    return { journal: stateOf(entries), next: entries.length + 1 };
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    return { journal: { unusable: "damaged", problem: error.message }, next: 0 };
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

/**
 * Decodes the lines of a journal. A crash can leave an incomplete line, whose sequence number the next line has: its step did not
 * happen, and it is skipped.
 * @throws PeekpackError `corrupt` if a complete line is damaged or missing
 */
function entriesOf(content: string): JournalEntry[] {
  const damaged = (number: number): PeekpackError =>
    new PeekpackError("corrupt", `line ${number} of its journal is damaged`, { section: "spool" });
  const entries: JournalEntry[] = [];
  const lines = content.split("\n");
  let invalid = 0;
  for (const [i, line] of lines.entries()) {
    if (line === "") continue;
    const decoded = decodeLine(line);
    if (decoded === undefined) {
      invalid = i;
      continue;
    }
    if (decoded.sequence !== entries.length + 1) throw damaged(entries.length + 1);
    entries.push(decoded.entry);
    invalid = 0;
  }
  // An incomplete line lacks its newline, and more than that.
  const incomplete = invalid === lines.length - 1 && decodeLine(lines[invalid]!.slice(0, -1)) === undefined;
  if (invalid > 0 && !incomplete) throw damaged(entries.length + 1);
  return entries;
}

/** @throws PeekpackError `corrupt` if the entries contradict each other */
function stateOf(entries: readonly JournalEntry[]): JournalState | undefined {
  let state: JournalState | undefined;
  let parts = new Map<number, UploadedPart>();
  for (const [i, entry] of entries.entries()) {
    if ("v" in entry) {
      const { target, put, begun, partSize } = entry;
      state = { ...EMPTY, target, put, begun: new Date(begun), partSize };
      continue;
    }
    if (state === undefined || ("part" in entry && state.upload === undefined)) {
      throw new PeekpackError("corrupt", `line ${i + 1} of its journal is out of order`, {
        section: "spool",
      });
    }
    if ("sealed" in entry) {
      const { bodySize, synced } = entry;
      const sealed = { header: fromBase64(entry.sealed), bodySize, synced, blocks: fromBase64(entry.blocks) };
      state = { ...state, sealed };
    } else if ("upload" in entry) {
      parts = new Map();
      const { upload, partSize } = entry;
      state = { ...state, upload: { upload, partSize, parts: [] }, committing: false };
    } else if ("part" in entry) {
      parts.set(entry.part.number, entry.part);
    } else if ("committing" in entry) {
      state = { ...state, committing: true };
    } else if ("abandoned" in entry) {
      if (entry.gone && entry.abandoned === state.upload?.upload.id)
        state = { ...state, upload: undefined, committing: false };
    } else if ("retarget" in entry) {
      const committing = state.committing && entry.retarget === state.target;
      state = { ...state, target: entry.retarget, put: entry.put, committing };
    } else if ("failure" in entry) {
      state = { ...state, failure: entry.failure };
    } else if ("from" in entry) {
      state = { ...state, from: entry.from };
    }
  }
  if (state?.upload === undefined) return state;
  return { ...state, upload: { ...state.upload, parts: [...parts.values()] } };
}

const EMPTY = {
  sealed: undefined,
  upload: undefined,
  committing: false,
  failure: undefined,
  from: undefined,
} as const;
