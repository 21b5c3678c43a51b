/**
 * `npm run demo`: writes an archive through a spool to S3, and reads one value back by ranges. Finds or starts an S3 server,
 * makes a bucket, and removes it at the end.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { openArchive, type RequestEvent, type Value, writeArchive } from "@peekpack/core";
import { spoolSink } from "@peekpack/node-storage";
import { s3Store } from "@peekpack/s3";
import { freshBucket, removeBucket, roundTrips, type S3Server, startS3 } from "@peekpack/testing";
import { progressBar } from "./progress-bar.js";
import { type Cost, costTable, megabytes, seconds } from "./report.js";

/** One value near the start of the archive, which the first request reads too, and one far from both ends. */
const LEAF = "api/AbortController/abort/__compat/support/chrome";
const FAR_LEAF = "css/properties/clip-path/border-box/__compat/support/chrome_android";

const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interruption.abort(new Error(`stopped by ${name}`)));
}
const { signal } = interruption;

// The SDK warns that its releases of 2027 do not support Node 20. The pinned release does.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

/** Writes and reads a minimal archive. */
async function helloWorld(server: S3Server, bucket: string): Promise<void> {
  const path = `${bucket}/hello.msglc`;
  await writeArchive(spoolSink(s3Store(server).target(path), { signal }), { hello: "world" }, { signal });
  const archive = await openArchive(s3Store(server).source(path), { signal });
  console.log(
    `\nwrote {"hello":"world"} to s3://${path} and read back: ${JSON.stringify(await archive.read())}`,
  );
  await archive.close();
}

/** Writes a document of 20 MB through a temporary file. @returns the archive's path */
async function writeRealData(server: S3Server, bucket: string, data: Value): Promise<string> {
  const path = `${bucket}/browser-compat-data.msglc`;
  console.log(`\nwriting it as an archive, through a temporary file, to s3://${path}`);
  const bar = progressBar(process.stdout);
  const target = s3Store(server).target(path);
  // The smallest parts that S3 allows, so that there is progress to show.
  const partSize = 5 * 1024 * 1024;
  const sink = spoolSink(target, { signal, partSize, threshold: partSize, onProgress: bar.update });
  const { size } = await writeArchive(sink, data, { signal }).finally(bar.end);
  console.log(`the archive has ${megabytes(size)}`);
  return path;
}

/** Reads one value with a new reader, without a cache. */
async function readByRanges(
  server: S3Server,
  path: string,
  leaf: string,
): Promise<Cost & { readonly value: Value }> {
  const events: RequestEvent[] = [];
  const started = performance.now();
  const source = s3Store(server).source(path);
  const archive = await openArchive(source, { signal, onRequest: (event) => events.push(event) });
  const value = await archive.read(leaf, { signal });
  const ms = performance.now() - started;
  const { requests, bytes } = archive.stats;
  await archive.close();
  return { value, requests, roundTrips: roundTrips(events), bytes, ms };
}

/** Downloads the whole object, then reads the value: the cost without ranges. */
async function download(
  server: S3Server,
  path: string,
  leaf: string,
): Promise<Cost & { readonly value: Value }> {
  const started = performance.now();
  const response = await fetch(await s3Store(server).presign(path), { signal });
  const whole = await response.arrayBuffer();
  const value = await (await openArchive(whole)).read(leaf);
  const ms = performance.now() - started;
  return { value, requests: 1, roundTrips: 1, bytes: whole.byteLength, ms };
}

const valueAt = (value: Value, path: string): Value =>
  path.split("/").reduce((at, key) => (at as { [key: string]: Value })[key]!, value);

function assertSame(read: Value, written: Value, leaf: string): void {
  const [got, expected] = [JSON.stringify(read), JSON.stringify(written)];
  if (got !== expected) throw new Error(`read ${got} at ${leaf}, but ${expected} was written`);
}

async function demonstrate(server: S3Server, bucket: string): Promise<void> {
  await helloWorld(server, bucket);

  const started = performance.now();
  const file = createRequire(import.meta.url).resolve("@mdn/browser-compat-data");
  const text = await readFile(file);
  const data = JSON.parse(text.toString()) as Value;
  console.log(`\nreal data: data.json of @mdn/browser-compat-data, ${megabytes(text.length)} of JSON`);
  const path = await writeRealData(server, bucket, data);
  console.log(`from JSON to S3 in ${seconds(performance.now() - started)}`);

  const near = await readByRanges(server, path, LEAF);
  const far = await readByRanges(server, path, FAR_LEAF);
  const whole = await download(server, path, LEAF);
  for (const [leaf, { value }] of [
    [LEAF, near],
    [FAR_LEAF, far],
    [LEAF, whole],
  ] as const) {
    assertSame(value, valueAt(data, leaf), leaf);
  }

  console.log(`\n${LEAF}\n  ${JSON.stringify(near.value)}\n${FAR_LEAF}\n  ${JSON.stringify(far.value)}\n`);
  const rows = [
    ["the first value, by ranges", near],
    ["the second, by ranges", far],
    ["the first, from the whole object", whole],
  ] as const;
  console.log(costTable(rows));
  console.log(
    `\nEach read uses a new store and a new archive, without a cache. The server is ${new URL(server.endpoint).hostname}: the` +
      "\nfarther away it is, the more round trips and bytes cost.",
  );
}

const server = await startS3({ log: (line) => console.log(`  ${line}`) });
try {
  console.log(`S3: ${server.how}`);
  const bucket = await freshBucket(server, "peekpack-demo");
  try {
    await demonstrate(server, bucket);
  } finally {
    await removeBucket(server, bucket);
  }
} catch (error) {
  if (error !== signal.reason) throw error;
  console.error(`\n${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await server.close();
}
