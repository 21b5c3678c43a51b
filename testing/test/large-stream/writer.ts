/** Child process that streams an archive to S3 without a spool and reports its cost. */
import { readFileSync } from "node:fs";
import { listOf, mapOf, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { type StreamCost, type StreamTask, streamedChunk } from "./task.js";

const task = JSON.parse(process.argv[2]!) as StreamTask;

function* chunks(): Generator<Uint8Array> {
  for (let i = 0; i < task.chunks; i++) yield streamedChunk(i);
}

const store = s3Store(task.access);
await writeArchive(
  store.sink(task.path),
  mapOf([["stream", mapOf([["chunks", listOf(chunks(), { count: task.chunks })]], { count: 1 })]], {
    count: 1,
  }),
);
/** A number from /proc/self; undefined on systems other than Linux. */
function told(file: string, name: string): number | undefined {
  try {
    return Number(
      new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(readFileSync(`/proc/self/${file}`, "utf8"))?.[1],
    );
  } catch {
    return undefined;
  }
}
const peak = told("status", "VmHWM");
const cost: StreamCost = {
  // Not maxRSS: a process inherits it from its parent.
  peakBytes: peak === undefined ? undefined : peak * 1024,
  writtenBytes: told("io", "write_bytes"),
};
process.stdout.write(JSON.stringify(cost));
process.exit(0);
