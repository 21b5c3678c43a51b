import { constants } from "node:fs";
import { copyFile } from "node:fs/promises";
import { isPeekpackError, PeekpackError } from "@peekpack/core";
import type { PutMode } from "@peekpack/s3";
import {
  type JournalStore,
  newSpoolState,
  nextState,
  SPOOL_LAYOUT,
  type SpoolState,
  type SpoolStep,
  type UnusableSpool,
} from "@peekpack/s3/internal";
import { isErrno } from "./file-error.js";
import { decodeLine, encodeLine, type JournalEntry, layoutOf } from "./journal-line.js";
import { openPrivate, readPrivateText } from "./private-files.js";

/** What the journal of a spool folder records. */
export interface FolderState extends SpoolState {
  /** The body of the complete archive. */
  readonly body: SealedBody | undefined;
  /** The original directory of the spool, if only its journal is left, in the default directory. */
  readonly from: string | undefined;
}

/** The body of a complete archive: all but the header. */
export interface SealedBody {
  /** The header that precedes it. */
  readonly header: Uint8Array;
  /** Size of the body in bytes. */
  readonly bodySize: number;
  /** Whether the body was synced to the disk, and so survives a crash of the machine. */
  readonly synced: boolean;
  /** Checksums of the body's blocks. */
  readonly blocks: Uint8Array;
}

// A part whose line is lost is uploaded again. A failure is only for information.
const NOT_SYNCED: readonly string[] = ["part", "failure"];

/** A journal in a file, to which a line is appended for each step. */
export class SpoolJournal implements JournalStore {
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
    await this.#append({ v: SPOOL_LAYOUT, target, put, begun: new Date().toISOString(), partSize }, true);
  }

  /** Records that the archive is complete. The body is in its own file. */
  async sealed({ header, bodySize, synced, blocks }: SealedBody): Promise<void> {
    await this.#append({ sealed: base64(header), bodySize, synced, blocks: base64(blocks) }, true);
  }

  async record(step: SpoolStep): Promise<void> {
    await this.#append(step, !NOT_SYNCED.includes(Object.keys(step)[0]!));
  }

  /** Copies the journal, and records the directory that it came from. */
  async copyTo(path: string, from: string): Promise<void> {
    await this.#last;
    await copyFile(this.#path, path, constants.COPYFILE_EXCL);
    await new SpoolJournal(path).#append({ from }, true);
  }

  async read(): Promise<FolderState | UnusableSpool | undefined> {
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
): Promise<{ readonly journal: FolderState | UnusableSpool | undefined; readonly next: number }> {
  const content = await readPrivateText(path).catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return "";
    throw error;
  });
  const layout = layoutOf(content);
  if (layout !== undefined && layout !== SPOOL_LAYOUT) {
    const problem = `it has layout ${layout}, and this version reads layout ${SPOOL_LAYOUT}`;
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
function stateOf(entries: readonly JournalEntry[]): FolderState | undefined {
  let state: FolderState | undefined;
  for (const [i, entry] of entries.entries()) {
    state = stateAfter(state, entry);
    if (state === undefined) {
      throw new PeekpackError("corrupt", `line ${i + 1} of its journal is out of order`, {
        section: "spool",
      });
    }
  }
  return state;
}

/** The state after an entry. Undefined if the entry is impossible in this state. */
function stateAfter(state: FolderState | undefined, entry: JournalEntry): FolderState | undefined {
  if ("v" in entry) {
    const { target, put, begun, partSize } = entry;
    const start = newSpoolState({ target, put, partSize, begun: new Date(begun) });
    return { ...start, body: undefined, from: undefined };
  }
  if (state === undefined) return undefined;
  if ("sealed" in entry) {
    const { bodySize, synced } = entry;
    const header = fromBase64(entry.sealed);
    const body: SealedBody = { header, bodySize, synced, blocks: fromBase64(entry.blocks) };
    return { ...state, body, sealed: { header, size: header.length + bodySize } };
  }
  if ("from" in entry) return { ...state, from: entry.from };
  return nextState(state, entry);
}
