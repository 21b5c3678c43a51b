/** A process of its own that streams an archive to S3 without a spool, and tells what that has cost it. */
import { readFileSync } from "node:fs";
import { listOf, mapOf, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { type StreamCost, type StreamOrder, streamedChunk } from "./order.js";

const order = JSON.parse(process.argv[2]!) as StreamOrder;

function* chunks(): Generator<Uint8Array> {
  for (let i = 0; i < order.chunks; i++) yield streamedChunk(i);
}

const store = s3Store(order.access);
await writeArchive(
  store.sink(order.path),
  mapOf([["stream", mapOf([["chunks", listOf(chunks(), { count: order.chunks })]], { count: 1 })]], {
    count: 1,
  }),
);
/** A number that Linux tells of this process; other systems do not. */
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
  // Not maxRSS: a process begins with that of the one it was forked from.
  peakBytes: peak === undefined ? undefined : peak * 1024,
  writtenBytes: told("io", "write_bytes"),
};
process.stdout.write(JSON.stringify(cost));
process.exit(0);
