import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { encodeArchive } from "@peekpack/core";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type ChildProgram, childProgram } from "../src/child-program.js";
import { type Fault, faults } from "../src/faults/fault.js";
import { type FaultProxy, startFaultProxy } from "../src/faults/proxy.js";
import { sometimes } from "../src/faults/rules.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { type StandIn, startStandIn } from "../src/s3/stand-in/server.js";
import { type SoakReport, type SoakTask, soakEntry } from "./soak/task.js";

const ENTRIES = 3000;
const NUMBERS = 100_000;
const READS = 10_000;
const MiB = 1024 * 1024;

/** Faults of one request in four, all equally likely. */
const MISHAPS: readonly (() => Fault)[] = [
  faults.resetBefore,
  faults.resetProcessed,
  faults.resetAfterHeaders,
  () => faults.resetWithin(),
  faults.resetAfter,
  () => faults.stallBefore(),
  () => faults.stallWithin(),
  faults.serverError,
  faults.slowDown,
  () => faults.tooManyRequests(0),
  faults.wholeBody,
  () => faults.shortBody(5, { contentLength: "original", contentRange: "original" }),
  () => faults.shortBody(5),
  () => faults.longBody(5),
  () => faults.shiftedBody(7),
  () => faults.wrongContentRange(3),
  faults.missingContentRange,
  faults.missingETag,
  faults.gzip,
];

let server: StandIn;
let proxy: FaultProxy;
let program: ChildProgram;
let path: string;
beforeAll(async () => {
  server = await startStandIn();
  proxy = await startFaultProxy(server);
  const Bucket = await freshBucket(server, "soak");
  path = `${Bucket}/archive`;
  const Body = encodeArchive(
    {
      entries: Array.from({ length: ENTRIES }, (_, i) => soakEntry(i)),
      numbers: Array.from({ length: NUMBERS }, (_, i) => i * 3),
    },
    { smallObjectThreshold: 500 },
  );
  const client = s3Client(server);
  await client.send(new PutObjectCommand({ Bucket, Key: "archive", Body }));
  client.destroy();
  program = await childProgram(new URL("soak/reader.ts", import.meta.url));
});
afterAll(async () => {
  await program?.remove();
  await proxy?.close();
  await server?.close();
});

it("10,000 concurrent reads through a faulty proxy, many aborted, give no wrong byte and leak nothing", {
  timeout: 400_000,
}, async () => {
  for (const [i, fault] of MISHAPS.entries()) {
    proxy.add({ fault: fault(), when: { nth: sometimes(0.25 / MISHAPS.length, i + 1) } });
  }
  const task: SoakTask = {
    access: proxy.access,
    path,
    entries: ENTRIES,
    numbers: NUMBERS,
    reads: READS,
    seed: 20_261,
  };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--expose-gc", program.path, JSON.stringify(task)],
    { maxBuffer: MiB },
  );
  const { rounds } = JSON.parse(stdout) as SoakReport;
  for (const { failed, wrong, right, aborted, timers, listeners } of rounds) {
    expect(failed).toEqual([]);
    expect(wrong).toBe(0);
    expect(right).toBeGreaterThan(aborted);
    expect(aborted).toBeGreaterThan(0);
    expect([timers, listeners]).toEqual([0, 0]);
  }
  const [first, second] = rounds;
  expect(second!.right + second!.aborted).toBe(READS);
  expect(second!.memory - first!.memory).toBeLessThan(8 * MiB);
  expect(second!.memory).toBeLessThan(40 * MiB);

  // Every fault was applied, and no request is in flight.
  const met = new Set(proxy.requests.map(({ fault }) => fault));
  expect(met.size).toBeGreaterThan(12);
  expect(second!.retries).toBeGreaterThan(100);
  await vi.waitFor(() => expect(proxy.pending).toBe(0));
});
