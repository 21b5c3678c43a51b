/**
 * Runs dask/write_shards.py on a cluster of this machine, twice, combines the shards on a server that it finds or starts, and
 * checks every entry. PYTHON names a Python with dask[distributed], boto3 and msglc; the default is python3.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { freshBucket, removeBucket, startS3 } from "@peekpack/testing";
import { archivePath, shardName } from "../run.js";

const SHARDS = 40;
const ENTRIES = 10;
const writer = fileURLToPath(new URL("../../dask/write_shards.py", import.meta.url));
const combine = fileURLToPath(new URL("./combine.js", import.meta.url));

const server = await startS3();
const bucket = await freshBucket(server, "dask");
try {
  const path = `${bucket}/run`;
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_REGION: server.region,
    AWS_DEFAULT_REGION: server.region,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
  };
  const numbers = ["--shards", `${SHARDS}`, "--entries", `${ENTRIES}`];
  const run = async (program: string, script: string): Promise<string> =>
    (await promisify(execFile)(program, [script, `s3://${path}`, ...numbers], { env })).stdout.trim();
  console.log(`on ${server.kind}: ${server.how}`);
  for (const wanted of [`{'written': ${SHARDS}, 'found': 0}`, `{'written': 0, 'found': ${SHARDS}}`]) {
    const outcome = await run(process.env.PYTHON ?? "python3", writer);
    console.log(outcome);
    if (outcome !== wanted) throw new Error(`It should have been ${wanted}.`);
  }
  console.log(await run(process.execPath, combine));
  const archive = await openArchive(s3Store(server).source(archivePath(path)));
  for (let shard = 0; shard < SHARDS; shard++) {
    for (let i = 0; i < ENTRIES; i++) {
      const id = await archive.read([shardName(shard), "entries", i, "id"]);
      if (id !== `${shard}-${i}`) throw new Error(`Entry ${i} of shard ${shard} is ${String(id)}.`);
    }
  }
  await archive.close();
  console.log(`every one of ${SHARDS * ENTRIES} entries is there`);
} finally {
  await removeBucket(server, bucket);
  await server.close();
}
