/** Starts writers, waits for them, and combines their shards. See README.md. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { freshBucket, removeBucket, startS3 } from "@peekpack/testing";
import type { ShardTask } from "./shard.js";

const { values } = parseArgs({
  options: { writers: { type: "string", default: "4" }, samples: { type: "string", default: "20000" } },
});
const writers = Number(values.writers);
const samples = Number(values.samples);
if (!Number.isSafeInteger(writers) || writers < 1 || !Number.isSafeInteger(samples) || samples < 1) {
  console.error("usage: main.js [--writers N] [--samples N]");
  process.exit(2);
}
// The SDK warns that its releases of 2027 do not support Node 20. The pinned release does.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** Runs one writer in its own process. @throws Error if it fails */
async function runWriter(task: ShardTask): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("shard.js", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(task));
  const [output, code] = await Promise.all([
    text(child.stdout),
    new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    }),
  ]);
  if (code !== 0) throw new Error(`The writer of shard ${task.shard} failed.`);
  return (JSON.parse(output) as { size: number }).size;
}

const server = await startS3();
console.log(server.how);
const bucket = await freshBucket(server, "parallel");
try {
  const { endpoint, region, credentials } = server;
  const store = s3Store({ endpoint, region, credentials });
  const paths = Array.from({ length: writers }, (_, shard) => `${bucket}/shards/${shard}`);
  const sizes = await Promise.all(
    paths.map((path, shard) =>
      runWriter({ server: { endpoint, region, credentials }, path, shard, samples }),
    ),
  );
  console.log(
    `${writers} processes wrote ${megabytes(sizes.reduce((sum, size) => sum + size, 0))} straight to S3`,
  );

  const children = paths.map((source, shard) => ({ name: `shard-${shard}`, source }));
  const all = `${bucket}/all.msglc`;
  const combined = await store.combine(all, children, { put: "create" });
  console.log(
    `combined into ${megabytes(combined.size)}: the server copied ${megabytes(combined.copiedBytes)}, ` +
      `${megabytes(combined.readBytes)} were read and ${megabytes(combined.uploadedBytes)} uploaded`,
  );

  const shards = await store.list(`${bucket}/shards/`).toArray();
  for (const { path, etag } of shards) await store.delete(path, { ifMatch: etag });
  console.log(`removed ${shards.length} shards`);

  const archive = await openArchive(store.source(all));
  const path = `shard-${writers - 1}/samples/-1/energy`;
  const energy = await archive.read(path);
  const { requests, bytes } = archive.stats;
  console.log(`${path} is ${energy}: ${requests} requests, ${megabytes(bytes)}`);
  await archive.close();
} finally {
  await removeBucket(server, bucket);
  await server.close();
}
