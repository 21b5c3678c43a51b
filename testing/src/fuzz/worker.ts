/** Runs cases in order and publishes the number of the current one, so that the main thread can detect a hang. */
import { parentPort, workerData } from "node:worker_threads";
import { caseRunner } from "./cases.js";
import type { Job, Report } from "./job.js";

const { index, seed, first, count, progress, slowMs, maxBytes } = workerData as Job;
const currentCase = new Int32Array(progress);
const run = await caseRunner(index, seed);
const report: Report = { done: 0, opened: 0, values: 0, errors: 0, ignored: 0, slowest: 0, faults: [] };

let current = first;
process.on("unhandledRejection", (reason) => {
  const what = reason instanceof Error ? reason.stack : String(reason);
  report.faults.push({
    number: current,
    what: `unhandled rejection in this case or the previous one: ${what}`,
  });
});

for (let number = first; number < first + count; number++) {
  current = number;
  Atomics.store(currentCase, 0, number);
  const before = process.memoryUsage().arrayBuffers;
  let slow = true;
  // A busy machine may slow one try, but not three.
  for (let tries = 0; slow && tries < 3; tries++) {
    const start = performance.now();
    // The first try is not measured: it would cost as much as a simple case.
    const cpu = tries === 0 ? undefined : process.cpuUsage();
    try {
      const { opened, values, errors, ignored } = await run(number);
      if (tries === 0) {
        report.opened += opened ? 1 : 0;
        report.values += values;
        report.errors += errors;
        report.ignored += ignored === true ? 1 : 0;
      }
    } catch (error) {
      report.faults.push({ number, what: (error as Error).stack ?? String(error) });
      break;
    }
    const ms = performance.now() - start;
    // Compare CPU time, because a busy machine delays; wall time only catches a long wait.
    slow = ms > slowMs && (cpu === undefined || cpuMs(cpu) > slowMs || ms > slowMs * 20);
    if (slow && tries === 2) report.faults.push({ number, what: `took ${Math.round(ms)} ms` });
    if (!slow) report.slowest = Math.max(report.slowest, ms);
  }
  const grown = process.memoryUsage().arrayBuffers - before;
  if (grown > maxBytes) report.faults.push({ number, what: `allocated ${grown} bytes` });
  report.done++;
  if (report.done % 1000 === 0 || number === first + count - 1) {
    parentPort!.postMessage(report);
  }
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}
