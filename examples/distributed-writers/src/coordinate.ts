import type { S3Store } from "@peekpack/s3";
import { combineShards } from "./combine.js";
import { fillQueue, openQueue, outcomes, type QueueCounts, untilComplete } from "./queue.js";
import { archivePath, type Run } from "./run.js";

export interface CoordinateOptions {
  readonly redis: string;
  readonly log: (line: string) => void;
  /** Receives the queue's counts a few times a second. */
  readonly onProgress?: ((counts: QueueCounts) => void | Promise<void>) | undefined;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/**
 * Fills the queue, waits for the workers, and combines their shards. May be killed and run again at any time: it continues where
 * the queue and the bucket are.
 */
export async function coordinate(store: S3Store, run: Run, options: CoordinateOptions): Promise<void> {
  const { redis, log } = options;
  const queue = openQueue(
    redis,
    run.path,
    whenChanged((error) => log(`the queue reports: ${error}`)),
  );
  try {
    await fillQueue(queue, run);
    await queue.retryJobs({ state: "failed" });
    let shown = 0;
    await untilComplete(queue, run, async (counts) => {
      const done = counts.completed === run.shards;
      if (done || Date.now() - shown >= 2000) {
        shown = Date.now();
        log(
          Object.entries(counts)
            .map(([state, n]) => `${n} ${state}`)
            .join(", "),
        );
      }
      await options.onProgress?.(counts);
    });
    const { written, found } = await outcomes(queue);
    log(`${written} shards were written by the attempt that reported them, ${found} were found complete`);

    const began = performance.now();
    const combined = await combineShards(store, run);
    if (combined === undefined) return log(`${archivePath(run.path)} exists`);
    log(
      `combined into ${archivePath(run.path)}, ${megabytes(combined.size)}, in ${((performance.now() - began) / 1000).toFixed(1)} s: ` +
        `the server copied ${megabytes(combined.copiedBytes)}, ${megabytes(combined.readBytes)} were read and ` +
        `${megabytes(combined.uploadedBytes)} uploaded`,
    );
  } finally {
    await queue.close();
  }
}

/** Calls `listener` with the message of an error, unless it is the last one again. */
export function whenChanged(listener: (message: string) => void): (error: Error) => void {
  let last = "";
  return (error) => {
    // Node joins the errors of several addresses in one without a message.
    const message = error.message || String((error as { code?: unknown }).code ?? error.name);
    if (message === last) return;
    last = message;
    listener(message);
  };
}
