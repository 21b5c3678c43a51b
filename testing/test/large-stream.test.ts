import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { openArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ChildProgram, childProgram } from "../src/child-program.js";
import { startFaultProxy } from "../src/faults/proxy.js";
import { freshBucket } from "../src/s3/client.js";
import { type S3Server, S3ServerAbsent, startS3 } from "../src/s3/launcher.js";
import { type StreamCost, type StreamTask, streamedChunk } from "./large-stream/task.js";

const MiB = 1024 * 1024;
const CHUNKS = 1024;

let server: S3Server;
let program: ChildProgram;
let path: string;
let cost: StreamCost;
beforeAll(async () => {
  // The fastest server: this tests the writer.
  server = await startS3({ require: "versitygw", build: false }).catch((error: unknown) => {
    if (error instanceof S3ServerAbsent) return startS3({ build: false });
    throw error;
  });
  program = await childProgram(new URL("large-stream/writer.ts", import.meta.url));
  path = `${await freshBucket(server, "large")}/archive`;
  const task: StreamTask = { access: server, path, chunks: CHUNKS };
  const { stdout } = await promisify(execFile)(process.execPath, [program.path, JSON.stringify(task)]);
  cost = JSON.parse(stdout) as StreamCost;
}, 180_000);
afterAll(async () => {
  await program?.remove();
  await server?.close();
});

it("streams 1 GiB to S3 in less than 200 MiB of memory and without local disk writes", async (test) => {
  const archive = await openArchive(s3Store(server).source(path));
  expect(archive.info.dataBytes).toBeGreaterThan(CHUNKS * MiB);
  for (const index of [0, 511, CHUNKS - 1]) {
    const chunk = (await archive.read(["stream", "chunks", index])) as Uint8Array;
    expect(Buffer.compare(chunk, streamedChunk(index))).toBe(0);
  }
  await archive.close();
  const { peakBytes, writtenBytes } = cost;
  if (peakBytes === undefined || writtenBytes === undefined) {
    test.skip("this system does not report memory and disk writes of a process");
  }
  expect(peakBytes).toBeLessThan(200 * MiB);
  // The process itself may write a little; a spool would write a thousand times as much.
  expect(writtenBytes).toBeLessThan(MiB);
});

it("appends 1 MB to a combined archive of it with at most 12 MiB on the wire", async () => {
  const combined = `${path}s`;
  const store = s3Store(server);
  await store.combine(combined, [{ name: "first", source: path }]);
  const proxy = await startFaultProxy(server);
  try {
    const value = streamedChunk(7).subarray(0, 1_000_000);
    await s3Store(proxy.access).append(combined, [{ name: "second", value }]);
    const { wireUp, wireDown } = proxy.totals();
    expect(wireUp).toBeGreaterThan(1_000_000);
    expect(wireUp + wireDown).toBeLessThanOrEqual(12 * MiB);
    const archive = await openArchive(store.source(combined));
    expect(await archive.keys().toArray()).toEqual(["first", "second"]);
    expect(Buffer.compare((await archive.read("second")) as Uint8Array, value)).toBe(0);
    const chunk = (await archive.read(["first", "stream", "chunks", 700])) as Uint8Array;
    expect(Buffer.compare(chunk, streamedChunk(700))).toBe(0);
    await archive.close();
  } finally {
    await proxy.close();
  }
}, 60_000);
