/**
 * Writes one shard without a queue, for schedulers that number their tasks: Kubernetes indexed jobs (JOB_COMPLETION_INDEX) and
 * Slurm arrays (SLURM_ARRAY_TASK_ID). `node array-task.js s3://bucket/run --shards 10000`
 */
import { s3Store } from "@peekpack/s3";
import { parseRun, shardName, taskOf } from "../run.js";
import { writeShard } from "../shard.js";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const run = parseRun();
const index = process.env.JOB_COMPLETION_INDEX ?? process.env.SLURM_ARRAY_TASK_ID;
const shard = Number(index);
if (!index || !Number.isSafeInteger(shard) || shard < 0 || shard >= run.shards) {
  throw new RangeError(
    `JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID is the number of the shard, from 0 to ${run.shards - 1}.`,
  );
}
const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interruption.abort(new Error(`ended by ${name}`)));
}
await using store = s3Store();
console.log(
  `${shardName(shard)}: ${await writeShard(store, taskOf(run, shard), { signal: interruption.signal })}`,
);
