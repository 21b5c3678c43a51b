/**
 * Everything on one machine, by one command: finds or starts S3 and a queue, starts workers, combines, and reads every entry
 * back. `--kill` and `--restart-queue` do on the way what happens to real runs. See README.md.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openArchive } from "@peekpack/core";
import { type S3Store, s3Store } from "@peekpack/s3";
import {
  freshBucket,
  type RedisServer,
  removeBucket,
  type S3Access,
  startRedis,
  startS3,
} from "@peekpack/testing";
import { coordinate } from "../coordinate.js";
import { openQueue, type QueueCounts } from "../queue.js";
import { archivePath, count, RUN_OPTIONS, type Run, runOf, shardName } from "../run.js";

const { values } = parseArgs({
  options: {
    ...RUN_OPTIONS,
    workers: { type: "string", default: "4" },
    /** Workers that are killed on the way. */
    kill: { type: "string", default: "0" },
    /** Kills the queue's server on the way, and starts it again. */
    "restart-queue": { type: "boolean", default: false },
    lock: { type: "string", default: "5000" },
  },
});
// The SDK warns that its releases of 2027 do not support Node 20. The pinned release does.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

/** Starts workers. They get addresses and credentials by environment: any process can read a command line. */
function startWorkers(run: Run, s3: S3Access, redis: RedisServer): ChildProcess[] {
  const { accessKeyId, secretAccessKey, sessionToken } = s3.credentials;
  const env = {
    ...process.env,
    REDIS_URL: redis.url,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
  };
  const program = fileURLToPath(new URL("worker.js", import.meta.url));
  return Array.from({ length: count("workers", values.workers) }, () =>
    spawn(process.execPath, [program, run.path, "--lock", values.lock], {
      env,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    }),
  );
}

async function endWorkers(workers: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    workers.map(async (worker) => {
      if (worker.exitCode !== null || worker.signalCode !== null) return;
      const exited = once(worker, "exit");
      worker.kill("SIGTERM");
      await exited;
    }),
  );
}

/** Kills workers when a quarter of the shards is done, and the queue when half is. */
function mishaps(run: Run, workers: readonly ChildProcess[], redis: RedisServer) {
  const victims = workers.slice(0, count("kill", values.kill, 0));
  let restarts = values["restart-queue"] ? 1 : 0;
  return async ({ completed }: QueueCounts): Promise<void> => {
    if (completed >= run.shards / 4 && victims.length > 0) {
      for (const victim of victims.splice(0)) victim.kill("SIGKILL");
      console.log(`killed ${values.kill} of ${workers.length} workers`);
    }
    if (completed >= run.shards / 2 && restarts > 0) {
      restarts -= 1;
      await redis.restart();
      console.log("killed the queue's server, and started it again");
    }
  };
}

/** Reads everything back. @throws Error unless every entry of every shard is there, once */
async function verify(store: S3Store, run: Run): Promise<void> {
  await using archive = await openArchive(store.source(archivePath(run.path)));
  const seen = new Set<unknown>();
  let read = 0;
  for await (const { path, value } of archive.select("*/entries/*/id")) {
    read += 1;
    seen.add(value);
    const [shard, , index] = path;
    const [number, at] = String(value).split("-");
    if (shardName(Number(number)) !== shard || Number(at) !== index) {
      throw new Error(`${value} is at ${path.join("/")}`);
    }
  }
  const expected = run.shards * run.entries;
  if (read !== expected || seen.size !== expected) {
    throw new Error(`The archive has ${read} entries, ${seen.size} different ones, instead of ${expected}.`);
  }
  const path = `${shardName(run.shards - 1)}/entries/-1/energy`;
  await using other = await openArchive(store.source(archivePath(run.path)));
  const energy = await other.read(path);
  console.log(`every one of ${expected} entries is there once; page index: ${other.info.pageIndex.state}`);
  console.log(`${path} is ${energy}: ${other.stats.requests} requests, ${other.stats.bytes} bytes`);
}

const began = performance.now();
const log = (line: string): void =>
  console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);
const s3 = await startS3();
let redis: RedisServer | undefined;
try {
  redis = await startRedis();
  console.log(`S3: ${s3.how}\nqueue: ${redis.how}`);
  const bucket = await freshBucket(s3, "distributed");
  const run = runOf(`${bucket}/run`, values);
  const { endpoint, region, credentials } = s3;
  await using store = s3Store({ endpoint, region, credentials });
  const workers = startWorkers(run, s3, redis);
  try {
    await coordinate(store, run, { redis: redis.url, log, onProgress: mishaps(run, workers, redis) });
    await endWorkers(workers);
    await verify(store, run);
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    const queue = openQueue(redis.url, run.path, () => {});
    await queue.obliterate({ force: true });
    await queue.close();
    await removeBucket(s3, bucket);
  }
} finally {
  await redis?.close();
  await s3.close();
}
