import { constants } from "node:fs";
import { copyFile, open, readFile } from "node:fs/promises";
import type { PutMode } from "@peekpack/s3";
import type { OpenUpload, UploadedPart, UploadState } from "@peekpack/s3/internal";

/** What a spool's journal says. */
export interface JournalState {
  /** The object the archive is meant for: the target's label. */
  readonly target: string;
  readonly put: PutMode;
  /** When the spool began. */
  readonly begun: Date;
  /** The header, once the archive is whole. */
  readonly header: Uint8Array | undefined;
  /** Bytes behind the header, once the archive is whole. */
  readonly bodySize: number | undefined;
  /** Whether the body was brought to the disk, and so survives the machine's end and not only the process's. */
  readonly synced: boolean;
  /** The multipart upload that is open, or may be. */
  readonly upload: UploadState | undefined;
  /** Whether what makes the object appear may have been sent. */
  readonly committing: boolean;
  /** Why the write failed, in short, where it did and the spool was kept. */
  readonly failure: string | undefined;
  /** The directory of spools that the spool was in, where only its journal is left and was put elsewhere. */
  readonly from: string | undefined;
}

/** One line of a journal. Never holds a credential, nor a URL with a query. */
type Line =
  | { readonly v: 1; readonly target: string; readonly put: PutMode; readonly begun: string }
  | { readonly sealed: string; readonly bodySize: number; readonly synced: boolean }
  | { readonly upload: OpenUpload; readonly partSize: number }
  | { readonly part: UploadedPart }
  | { readonly committing: true }
  | { readonly abandoned: string; readonly gone: boolean }
  | { readonly failure: string }
  | { readonly from: string };

/** A journal that lines are added to: each is on its way to the disk before the call resolves. */
export class SpoolJournal {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Begins the journal of a new spool. */
  async begin(target: string, put: PutMode): Promise<void> {
    await this.#add({ v: 1, target, put, begun: new Date().toISOString() }, true);
  }

  /** The archive is whole: its body in the spool's file, its header here. */
  async sealed(header: Uint8Array, bodySize: number, synced: boolean): Promise<void> {
    await this.#add({ sealed: Buffer.from(header).toString("base64"), bodySize, synced }, true);
  }

  async upload(upload: OpenUpload, partSize: number): Promise<void> {
    await this.#add({ upload, partSize }, true);
  }

  async part(part: UploadedPart): Promise<void> {
    // Not brought to the disk one by one: a part whose line is lost is only uploaded again.
    await this.#add({ part }, false);
  }

  async committing(): Promise<void> {
    await this.#add({ committing: true }, true);
  }

  async abandoned(upload: OpenUpload, gone: boolean): Promise<void> {
    await this.#add({ abandoned: upload.id, gone }, true);
  }

  async failed(failure: string): Promise<void> {
    await this.#add({ failure }, false);
  }

  /** Writes what this journal says into a new one elsewhere, and that it came from this directory of spools. */
  async copyTo(path: string, from: string): Promise<SpoolJournal> {
    await this.#last;
    await copyFile(this.#path, path, constants.COPYFILE_EXCL);
    const copy = new SpoolJournal(path);
    await copy.#add({ from }, true);
    return copy;
  }

  /** What the journal says by now. Undefined where not even its beginning was written. */
  async state(): Promise<JournalState | undefined> {
    await this.#last;
    return readJournal(this.#path);
  }

  #add(line: Line, sync: boolean): Promise<void> {
    const added = this.#last.then(async () => {
      const handle = await open(this.#path, "a", 0o600);
      try {
        // Begun with a newline: what stands before may be half a line.
        await handle.appendFile(`\n${JSON.stringify(line)}\n`);
        if (sync) await handle.datasync();
      } finally {
        await handle.close();
      }
    });
    this.#last = added.catch(() => {});
    return added;
  }
}

/** Reads a journal. Undefined where there is none, or not even its first line is whole. */
async function readJournal(path: string): Promise<JournalState | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  let state: JournalState | undefined;
  let parts = new Map<number, UploadedPart>();
  for (const row of text.split("\n")) {
    const line = parse(row);
    // A crash may leave a line half-written: whoever goes on begins a new one.
    if (line === undefined) continue;
    if ("v" in line) {
      const { target, put, begun } = line;
      state = { ...EMPTY, target, put, begun: new Date(begun) };
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

function parse(row: string): Line | undefined {
  try {
    const line = JSON.parse(row) as unknown;
    return typeof line === "object" && line !== null ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}
