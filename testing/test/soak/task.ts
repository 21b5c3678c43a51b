import type { S3Access } from "../../src/s3/client.js";

/** Task of the reading process. */
export interface SoakTask {
  readonly access: S3Access;
  readonly path: string;
  readonly entries: number;
  readonly numbers: number;
  readonly reads: number;
  readonly seed: number;
}

/** Results of a warm-up round and of the measured round. */
export interface SoakReport {
  readonly rounds: readonly {
    readonly right: number;
    readonly wrong: number;
    readonly aborted: number;
    /** Some of the errors other than aborts. */
    readonly failed: readonly string[];
    /** Bytes on the heap and in buffers after garbage collection. */
    readonly memory: number;
    readonly timers: number;
    readonly listeners: number;
    /** Total since the start. */
    readonly requests: number;
    readonly retries: number;
  }[];
}

/** The archive's entry at an index. */
export const soakEntry = (index: number): { index: number; text: string } => ({
  index,
  text: `entry ${index} `.repeat(60 + (index % 40)),
});
