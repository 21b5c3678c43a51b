import type { S3Access } from "../../src/s3/client.js";

/** What the reading process is told to do. */
export interface SoakOrder {
  readonly access: S3Access;
  readonly path: string;
  readonly entries: number;
  readonly numbers: number;
  readonly reads: number;
  readonly seed: number;
}

/** What it saw: a short round that warms up, and the one that counts. */
export interface SoakReport {
  readonly rounds: readonly {
    readonly right: number;
    readonly wrong: number;
    readonly aborted: number;
    /** Some of the errors that were no aborts. */
    readonly failed: readonly string[];
    /** Bytes on the heap and in buffers when everything has been collected. */
    readonly memory: number;
    readonly timers: number;
    readonly listeners: number;
    /** So far. */
    readonly requests: number;
    readonly retries: number;
  }[];
}

/** An entry of the archive, by its index. */
export const soakEntry = (index: number): { index: number; text: string } => ({
  index,
  text: `entry ${index} `.repeat(60 + (index % 40)),
});
