import type { EncodeOptions } from "@peekpack/core";

/** Data to write: generated in the page, or read from a file. Only a JSON document is in memory as a whole. */
export interface Data {
  /** The name of a file, for headings. */
  readonly name: string;
  /** Estimated size of the archive in bytes, if it is known beforehand. */
  readonly expectedSize: number | undefined;
  /** Prepares the value to write. It may take a first pass over a file. */
  prepare(context: PrepareContext): Promise<Prepared>;
}

/** The value for `writeArchive`, with its options. */
export interface Prepared {
  readonly value: unknown;
  readonly options: EncodeOptions;
}

/** How generating or reading data is paused, aborted and observed. */
export interface PrepareContext {
  readonly signal: AbortSignal;
  /** Resolves at once, or at the end of a pause. Rejects with the signal's reason. */
  unpaused(): Promise<void>;
  /** Reports the share of the data that was generated or read, from 0 to 1. */
  progress(share: number): void;
}

/** The data cannot be read. The message says where, and is for people. */
export class DataError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DataError";
  }
}
