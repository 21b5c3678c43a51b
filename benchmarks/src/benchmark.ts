import type { DataSetName } from "./data-sets.js";
import type { Row } from "./row.js";

/** Input and output of a benchmark. */
export interface Context {
  readonly rounds: number;
  readonly data: readonly DataSetName[];
  /** A temporary directory, in memory if the system has one. */
  readonly scratch: string;
  /** The Python with msglc, if there is one. */
  readonly python: string | undefined;
  /** Size of the stream that is written to S3. */
  readonly streamBytes: number;
  /** Prints progress. */
  log(line: string): void;
  /** Adds a row to the table. */
  row(row: Row): void;
  /** Reports that something is skipped, and why. */
  skip(what: string): void;
}

/** A comparison of peekpack with peers. */
export interface Benchmark {
  /** Name on the command line. */
  readonly name: string;
  /** One line that says what is measured. */
  readonly what: string;
  run(context: Context): Promise<void>;
}
