/** Node, Bun and Deno. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openArchive, writeArchive } from "@peekpack/core";
import { defaultSpoolDirectory, fileSink, fileSource, spoolSink } from "@peekpack/node-storage";
import { s3Store } from "@peekpack/s3";
import { zstdSink, zstdSource } from "@peekpack/zstd";
import { attempt, exercise, expectEqual } from "./exercise.js";

const environment = JSON.parse(process.env.PEEKPACK_TARGET);
const results = await exercise(environment);
const folder = await mkdtemp(join(tmpdir(), "peekpack-target-"));
await attempt(results, "files", async () => {
  const file = join(folder, "a.msglc");
  await writeArchive(fileSink(file), { a: [1, 2, 3] });
  const archive = await openArchive(fileSource(file));
  expectEqual(await archive.read("a/2"), 3);
  await archive.close();
});
await attempt(results, "spools", async () => {
  // The same in every runtime: each finds what the others have left.
  expectEqual(defaultSpoolDirectory(), join(tmpdir(), `peekpack-spool-${process.getuid()}`));
  const { bucket, ...access } = environment.s3;
  const store = s3Store({ ...access, forcePathStyle: true });
  await writeArchive(spoolSink(store.target(`${bucket}/spooled-${Math.random()}`)), { a: 1 });
  await store.close();
});
await attempt(results, "workers", async () => {
  const file = join(folder, "a.msglc.zst");
  await writeArchive(zstdSink(fileSink(file), { concurrency: 2 }), { rows: Array(2 ** 20).fill("row") });
  const archive = await openArchive(zstdSource(fileSource(file)));
  expectEqual(await archive.read("rows/1000000"), "row");
  await archive.close();
});
await attempt(results, "without the SDK", async () => {
  const { bucket, ...access } = environment.s3;
  const store = s3Store({ ...access, forcePathStyle: true, writer: "sdk" });
  const error = await store
    .target(`${bucket}/sdk`)
    .putObject(new Uint8Array(1))
    .catch((cause) => cause);
  expectEqual(error.code, "denied");
  expectEqual(error.message.includes("npm install @aws-sdk/client-s3"), true);
});
await rm(folder, { recursive: true });
console.log(`RESULTS ${JSON.stringify(results)}`);
