import { constants } from "node:fs";
import { copyFile, open, readFile } from "node:fs/promises";
import type { PutMode } from "@peekpack/s3";
import type { OpenUpload, UploadedPart, UploadState } from "@peekpack/s3/internal";

/** What a spool's journal records. */
export interface JournalState {
  /** Label of the target. */
  readonly target: string;
  readonly put: PutMode;
  /** Part size that the sink was given; undefined for the default. */
  readonly partSize: number | undefined;
  /** When the spool was created. */
  readonly begun: Date;
  /** The header, once the archive is complete. */
  readonly header: Uint8Array | undefined;
  /** Size of the body in bytes, once the archive is complete. */
  readonly bodySize: number | undefined;
  /** Whether the body was synced to the disk, and so survives a crash of the machine. */
  readonly synced: boolean;
  /** The multipart upload that is open, or may be. */
  readonly upload: UploadState | undefined;
  /** Whether the request that stores the object may have been sent. */
  readonly committing: boolean;
  /** Code of the error that the last upload failed with. */
  readonly failure: string | undefined;
  /** The original directory of the spool, if only its journal is left, in the default directory. */
  readonly from: string | undefined;
}

/** One line of a journal. It never holds a credential, nor a URL with a query. */
type Line =
  | {
      readonly v: 1;
      readonly target: string;
      readonly put: PutMode;
      readonly begun: string;
      readonly partSize?: number | undefined;
    }
  | { readonly sealed: string; readonly bodySize: number; readonly synced: boolean }
  | { readonly upload: OpenUpload; readonly partSize: number }
  | { readonly part: UploadedPart }
  | { readonly committing: true }
  | { readonly abandoned: string; readonly gone: boolean }
  | { readonly failure: string }
  | { readonly from: string };

/** A journal to which lines are appended. Each call resolves when its line is written. */
export class SpoolJournal {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Begins the journal of a new spool. */
  async begin(target: string, put: PutMode, partSize: number | undefined): Promise<void> {
    await this.#append({ v: 1, target, put, begun: new Date().toISOString(), partSize }, true);
  }

  /** Records that the archive is complete: the header is stored here, the body in its own file. */
  async sealed(header: Uint8Array, bodySize: number, synced: boolean): Promise<void> {
    await this.#append({ sealed: Buffer.from(header).toString("base64"), bodySize, synced }, true);
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

  /** The current state. Undefined if there is no complete first line. */
  async state(): Promise<JournalState | undefined> {
    await this.#last;
    return readJournal(this.#path);
  }

  #append(line: Line, sync: boolean): Promise<void> {
    const appended = this.#last.then(async () => {
      const handle = await open(this.#path, "a", 0o600);
      try {
        // Starts with a newline: a crash may have left half a line.
        await handle.appendFile(`\n${JSON.stringify(line)}\n`);
        if (sync) await handle.datasync();
      } finally {
        await handle.close();
      }
    });
    this.#last = appended.catch(() => {});
    return appended;
  }
}

/** Reads a journal. Undefined if there is no complete first line. */
async function readJournal(path: string): Promise<JournalState | undefined> {
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  let state: JournalState | undefined;
  let parts = new Map<number, UploadedPart>();
  for (const text of content.split("\n")) {
    const line = parse(text);
    // A crash can leave half a line. The next process begins a new one.
    if (line === undefined) continue;
    if ("v" in line) {
      const { target, put, begun, partSize } = line;
      state = { ...EMPTY, target, put, begun: new Date(begun), partSize };
    } else if (state === undefined) {
      return undefined;
    } else if ("sealed" in line) {
      const header = new Uint8Array(Buffer.from(line.sealed, "base64"));
      state = { ...state, header, bodySize: line.bodySize, synced: line.synced };
    } else if ("upload" in line) {
      parts = new Map();
      state = {
        ...state,
        upload: { upload: line.upload, partSize: line.partSize, parts: [] },
        committing: false,
      };
    } else if ("part" in line) {
      parts.set(line.part.number, line.part);
    } else if ("committing" in line) {
      state = { ...state, committing: true };
    } else if ("abandoned" in line) {
      if (line.gone && line.abandoned === state.upload?.upload.id)
        state = { ...state, upload: undefined, committing: false };
    } else if ("failure" in line) {
      state = { ...state, failure: line.failure };
    } else if ("from" in line) {
      state = { ...state, from: line.from };
    }
  }
  if (state?.upload === undefined) return state;
  return { ...state, upload: { ...state.upload, parts: [...parts.values()] } };
}

const EMPTY = {
  header: undefined,
  bodySize: undefined,
  synced: false,
  upload: undefined,
  committing: false,
  failure: undefined,
  from: undefined,
} as const;

function parse(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as unknown;
    return typeof line === "object" && line !== null ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}
