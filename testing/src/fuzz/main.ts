/**
 * `npm run fuzz -- --count 1000000 --seed 1` opens damaged archives and runs every operation on each. Faults are: errors
 * other than PeekpackError, cases of more than a second, cases that allocate far more than their archive's size, hangs.
 * `--index` mutates page indexes alone, and compares every value with the right one. `--only N` repeats one case. Exit
 * code 1 if there was a fault.
 */
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { caseRunner } from "./cases.js";
import type { Job, Report } from "./job.js";
import { seedOfRun } from "./random.js";

/** A case that runs for longer hangs. */
const HANG_MS = 30_000;
/** Faults of a worker that are printed. */
const MAX_SHOWN = 50;

const { values } = parseArgs({
  options: {
    count: { type: "string" },
    seed: { type: "string" },
    first: { type: "string" },
    only: { type: "string" },
    index: { type: "boolean", default: false },
  },
});
const integer = (name: "count" | "seed" | "first" | "only", otherwise: number): number => {
  const given = values[name];
  if (given === undefined) return otherwise;
  if (!/^\d+$/.test(given)) throw new RangeError(`--${name} takes a non-negative integer.`);
  return Number(given);
};
const seed = integer("seed", seedOfRun());
const only = integer("only", -1);
const { index } = values;

if (only >= 0) {
  console.log(await (await caseRunner(index, seed))(only));
} else {
  const count = integer("count", 20_000);
  const first = integer("first", 0);
  console.log(`fuzz: ${count} cases${index ? " of page indexes" : ""}, --seed ${seed}`);
  const started = performance.now();
  const report = await runAll(first, count);
  const { done, opened, values: read, errors, ignored, slowest, faults } = report;
  console.log(
    `\nfuzz: ${done} cases in ${Math.round((performance.now() - started) / 1000)} s: ${opened} opened, ${read} reads gave values, ` +
      `${errors} typed errors, ${ignored} without their page index; slowest ${Math.round(slowest)} ms; peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB; ` +
      `${faults.length} faults`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
}

function show({ number, what }: Report["faults"][number]): void {
  console.log(`\nFAULT${index ? " --index" : ""} --seed ${seed} --only ${number}\n${what}`);
}

/** Runs cases in a worker. After a hang, a new worker continues with the next case. */
async function runAll(first: number, count: number): Promise<Report> {
  const total: Report = { done: 0, opened: 0, values: 0, errors: 0, ignored: 0, slowest: 0, faults: [] };
  for (let next = first; next < first + count; ) {
    const progress = new SharedArrayBuffer(4);
    new Int32Array(progress).fill(-1);
    const job: Job = {
      index,
      seed,
      first: next,
      count: first + count - next,
      progress,
      slowMs: 1000,
      maxBytes: 64 * 1024 * 1024,
    };
    const { report, hungCase } = await oneWorker(job);
    total.done += report.done;
    total.opened += report.opened;
    total.values += report.values;
    total.errors += report.errors;
    total.ignored += report.ignored;
    total.slowest = Math.max(total.slowest, report.slowest);
    total.faults.push(...report.faults);
    if (hungCase === undefined) break;
    const fault = { number: hungCase, what: "hangs" };
    show(fault);
    total.faults.push(fault);
    total.done = hungCase + 1 - first;
    next = hungCase + 1;
  }
  return total;
}

function oneWorker(job: Job): Promise<{ report: Report; hungCase?: number }> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: job });
    const currentCase = new Int32Array(job.progress);
    let report: Report = { done: 0, opened: 0, values: 0, errors: 0, ignored: 0, slowest: 0, faults: [] };
    let seen = -1;
    let since = performance.now();
    const watch = setInterval(() => {
      const now = Atomics.load(currentCase, 0);
      // −1 while the archives are made, which is no case.
      if (now !== seen || now < 0) {
        seen = now;
        since = performance.now();
      } else if (performance.now() - since > HANG_MS) {
        clearInterval(watch);
        void worker.terminate().then(() => resolve({ report, hungCase: now }));
      }
    }, 500);
    let shown = performance.now();
    worker.on("message", (latest: Report) => {
      for (const fault of latest.faults.slice(report.faults.length, MAX_SHOWN)) show(fault);
      report = latest;
      if (performance.now() - shown < 10_000) return;
      shown = performance.now();
      console.log(`${report.done} cases, ${report.faults.length} faults`);
    });
    worker.on("error", (error) => {
      clearInterval(watch);
      reject(error);
    });
    worker.on("exit", () => {
      clearInterval(watch);
      // A worker that awaits a promise which never settles exits early.
      resolve(report.done === job.count ? { report } : { report, hungCase: Atomics.load(currentCase, 0) });
    });
  });
}
