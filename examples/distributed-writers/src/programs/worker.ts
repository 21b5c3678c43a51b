/**
 * One worker: takes shards from the queue of a run and writes them, until it is told to end. Start any number, on any number of
 * machines: `REDIS_URL=… node worker.js s3://bucket/run`. Credentials and endpoint of S3 are in the usual AWS variables.
 */
import { parseArgs } from "node:util";
import { s3Store } from "@peekpack/s3";
import { UnrecoverableError, Worker } from "bullmq";
import { whenChanged } from "../coordinate.js";
import { connectionTo, queueName, redisUrl } from "../queue.js";
import { count, runPath, type ShardTask } from "../run.js";
import { ForeignShard, type ShardOutcome, writeShard } from "../shard.js";

const { values, positionals } = parseArgs({
  options: {
    /** Shards that are written at once. Each takes up to 80 MiB of memory. */
    concurrency: { type: "string", default: "1" },
    /** Milliseconds after which the jobs of a worker that is silent go to another. */
    lock: { type: "string", default: "30000" },
  },
  allowPositionals: true,
});
// The SDK warns that its releases of 2027 do not support Node 20. The pinned release does.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const path = runPath(positionals[0]);
const lock = count("lock", values.lock);
const store = s3Store();
const worker = new Worker<ShardTask, ShardOutcome>(
  queueName(path),
  async (job, _token, signal) => {
    try {
      return await writeShard(store, job.data, { signal });
    } catch (error) {
      // Retrying would find the same object.
      if (error instanceof ForeignShard) throw new UnrecoverableError(error.message);
      throw error;
    }
  },
  {
    connection: connectionTo(redisUrl()),
    concurrency: count("concurrency", values.concurrency),
    lockDuration: lock,
    stalledInterval: lock,
    // Any number of workers may be killed with the same shard: that is no fault of the shard.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  },
);
worker.on(
  "error",
  whenChanged((message) => console.error(`the queue reports: ${message}`)),
);
worker.on("failed", (job, error) => console.error(`${job?.id} failed: ${error.message}`));

const end = async (): Promise<void> => {
  // Waits for the shards that are being written.
  await worker.close();
  await store.close();
  process.exit();
};
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, end);
// A parent that dies takes its workers with it.
if (process.send !== undefined) process.once("disconnect", () => process.exit(1));
