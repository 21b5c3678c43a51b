import type { DataSetName } from "./data-sets.js";
import type { Row } from "./row.js";

/** What a benchmark is given. */
export interface Context {
  readonly rounds: number;
  readonly data: readonly DataSetName[];
  /** A directory of its own, in memory where the system has such; removed afterwards. */
  readonly scratch: string;
  /** The Python that has msglc; absent where there is none. */
  readonly python: string | undefined;
  /** Of the stream that is written to S3. */
  readonly streamBytes: number;
  /** Tells how it goes. */
  log(line: string): void;
  /** Takes a line of the table. */
  row(row: Row): void;
  /** Says loudly what is left out, and why. */
  skip(what: string): void;
}

/** Something that is measured against a peer. */
export interface Benchmark {
  /** As `--only` takes it. */
  readonly name: string;
  /** What is measured, in a line. */
  readonly what: string;
  run(context: Context): Promise<void>;
}
