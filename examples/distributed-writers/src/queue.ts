import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, Queue } from "bullmq";
import { type Run, type ShardTask, shardName, taskOf } from "./run.js";
import type { ShardOutcome } from "./shard.js";

/** Jobs that are added at once. */
const BATCH = 1000;
const POLL_MS = 250;

/** Numbers of jobs by their state. */
export type QueueCounts = Readonly<Record<"waiting" | "active" | "delayed" | "completed" | "failed", number>>;

export type ShardQueue = Queue<ShardTask, ShardOutcome>;

/** One queue for each run. A slash cannot be part of a prefix of keys that people type. */
export const queueName = (path: string): string => `peekpack-${path.replaceAll(/[/:]/g, ".")}`;

/** Waits for as long as the queue is away, instead of giving up after some tries. */
export const connectionTo = (url: string): ConnectionOptions => ({ url, maxRetriesPerRequest: null });

/** The address of the queue. @throws Error if REDIS_URL is not set */
export function redisUrl(): string {
  const url = process.env.REDIS_URL;
  if (!url) throw new Error("Set REDIS_URL to the address of a Valkey or Redis: redis://host:6379");
  return url;
}

/** Opens the queue of a run. */
export function openQueue(url: string, path: string, onError: (error: Error) => void): ShardQueue {
  const queue: ShardQueue = new Queue(queueName(path), { connection: connectionTo(url) });
  queue.on("error", onError);
  return queue;
}

/**
 * Adds a job for each shard. The id of a job is the shard's name, so that adding it again changes nothing: neither a job that
 * waits, nor one that is complete.
 */
export async function fillQueue(queue: ShardQueue, run: Run): Promise<void> {
  for (let start = 0; start < run.shards; start += BATCH) {
    const length = Math.min(BATCH, run.shards - start);
    await queue.addBulk(
      Array.from({ length }, (_, i) => ({
        name: "shard",
        data: taskOf(run, start + i),
        opts: {
          jobId: shardName(start + i),
          attempts: 8,
          backoff: { type: "exponential", delay: 1000, jitter: 0.5 },
        },
      })),
    );
  }
}

/**
 * Waits until every shard is written. If the queue has lost jobs, because it was restarted without its data, they are added again.
 * @throws Error if jobs have failed for good
 */
export async function untilComplete(
  queue: ShardQueue,
  run: Run,
  onProgress: (counts: QueueCounts) => void | Promise<void>,
): Promise<QueueCounts> {
  for (;;) {
    const states = await queue.getJobCounts();
    const { active = 0, delayed = 0, completed = 0, failed = 0 } = states;
    const known = Object.values(states).reduce((sum, n) => sum + n, 0);
    const counts = {
      waiting: known - active - delayed - completed - failed,
      active,
      delayed,
      completed,
      failed,
    };
    await onProgress(counts);
    if (completed === run.shards) return counts;
    if (known < run.shards) await fillQueue(queue, run);
    else if (completed + failed === run.shards) {
      const [job] = await queue.getFailed(0, 0);
      throw new Error(
        `${failed} shards have failed. The first: ${job?.id}: ${job?.failedReason}. Run this again to retry them.`,
      );
    }
    await sleep(POLL_MS);
  }
}

/** The outcomes that workers have reported. */
export async function outcomes(queue: ShardQueue): Promise<Record<ShardOutcome, number>> {
  const sum = { written: 0, found: 0 };
  for (let start = 0; ; start += BATCH) {
    const jobs = await queue.getCompleted(start, start + BATCH - 1);
    for (const { returnvalue } of jobs) sum[returnvalue] += 1;
    if (jobs.length < BATCH) return sum;
  }
}
