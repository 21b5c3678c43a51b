/** Runs cases one after the other and says which one it is at, so that who watches can tell a hang. */
import { parentPort, workerData } from "node:worker_threads";
import { runCase } from "./cases.js";
import { corpus } from "./corpus.js";
import type { Job, Report } from "./job.js";

const { seed, first, count, at, slowMs, mostBytes } = workerData as Job;
const place = new Int32Array(at);
const archives = await corpus(seed);
const report: Report = { done: 0, opened: 0, values: 0, errors: 0, slowest: 0, faults: [] };

/** The case that runs now. */
let current = first;
process.on("unhandledRejection", (reason) => {
  const what = reason instanceof Error ? reason.stack : String(reason);
  report.faults.push({
    number: current,
    what: `a rejection that nobody handles, of this case or the one before: ${what}`,
  });
});

for (let number = first; number < first + count; number++) {
  current = number;
  Atomics.store(place, 0, number);
  const before = process.memoryUsage().arrayBuffers;
  let slow = true;
  // What took long because the machine was busy does not do so twice.
  for (let tries = 0; slow && tries < 3; tries++) {
    const start = performance.now();
    const cpu = process.cpuUsage();
    try {
      const { opened, values, errors } = await runCase(archives, seed, number);
      if (tries === 0) {
        report.opened += opened ? 1 : 0;
        report.values += values;
        report.errors += errors;
      }
    } catch (error) {
      report.faults.push({ number, what: (error as Error).stack ?? String(error) });
      break;
    }
    const ms = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    // A busy machine lets wait; only what computes for so long, or waits for ever, is slow.
    slow = (ms > slowMs && (user + system) / 1000 > slowMs) || ms > slowMs * 20;
    if (slow && tries === 2) report.faults.push({ number, what: `took ${Math.round(ms)} ms` });
    if (!slow) report.slowest = Math.max(report.slowest, ms);
  }
  const grown = process.memoryUsage().arrayBuffers - before;
  if (grown > mostBytes) report.faults.push({ number, what: `allocated ${grown} bytes` });
  report.done++;
  if (report.done % 1000 === 0 || number === first + count - 1) {
    parentPort!.postMessage(report);
  }
}
