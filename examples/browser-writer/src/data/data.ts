import type { EncodeOptions } from "@peekpack/core";

/** Something to write: made in the page, or read from a file; never held in memory as a whole, but for a JSON document. */
export interface Data {
  /** For headings: a file's name. */
  readonly name: string;
  /** About how large the archive will be, in bytes, where that is known beforehand. */
  readonly expectedSize: number | undefined;
  /** Gets ready, which may take a first pass over a file, and gives the value to write. */
  prepare(course: Course): Promise<Prepared>;
}

/** The value for `writeArchive`, with what suits it. */
export interface Prepared {
  readonly value: unknown;
  readonly options: EncodeOptions;
}

/** What data tell and ask while they are made. */
export interface Course {
  readonly signal: AbortSignal;
  /** Resolves at once, or when a pause has ended. Rejects with the signal's reason. */
  go(): Promise<void>;
  /** Takes which share of the data has been made or read, from 0 to 1. */
  made(share: number): void;
}

/** Data that cannot be taken as they are. The message says where, and is for people. */
export class DataError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DataError";
  }
}
