/**
 * `npm run fuzz -- --count 1000000 --seed 1`: opens so many damaged archives and does with each all that can be done with
 * one. Faults are errors that are not typed, cases that take more than a second, cases that allocate far beyond the size of
 * their archive, hangs. `--only N` repeats one case. Exit code 1 when there was a fault.
 */
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { runCase } from "./cases.js";
import { corpus } from "./corpus.js";
import type { Job, Report } from "./job.js";
import { seedOfRun } from "./random.js";

/** A case that does not end within this time hangs, however busy the machine. */
const HANG_MS = 30_000;

const { values } = parseArgs({
  options: {
    count: { type: "string" },
    seed: { type: "string" },
    first: { type: "string" },
    only: { type: "string" },
  },
});
const integer = (name: "count" | "seed" | "first" | "only", otherwise: number): number => {
  const given = values[name];
  if (given === undefined) return otherwise;
  if (!/^\d+$/.test(given)) throw new RangeError(`--${name} takes a number.`);
  return Number(given);
};
const seed = integer("seed", seedOfRun());
const only = integer("only", -1);

if (only >= 0) {
  console.log(await runCase(await corpus(seed), seed, only));
} else {
  const count = integer("count", 20_000);
  const first = integer("first", 0);
  console.log(`fuzz: ${count} cases, --seed ${seed}`);
  const started = performance.now();
  const report = await watched(first, count);
  const { done, opened, values: read, errors, slowest, faults } = report;
  for (const { number, what } of faults.slice(0, 50))
    console.log(`\nFAULT --seed ${seed} --only ${number}\n${what}`);
  console.log(
    `\nfuzz: ${done} cases in ${Math.round((performance.now() - started) / 1000)} s: ${opened} opened, ${read} reads gave values, ` +
      `${errors} typed errors; slowest ${Math.round(slowest)} ms; peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB; ` +
      `${faults.length} faults`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
}

/** Runs cases in a worker; after one that does not end, goes on behind it in another. */
async function watched(first: number, count: number): Promise<Report> {
  const total: Report = { done: 0, opened: 0, values: 0, errors: 0, slowest: 0, faults: [] };
  for (let next = first; next < first + count; ) {
    const at = new SharedArrayBuffer(4);
    const job: Job = {
      seed,
      first: next,
      count: first + count - next,
      at,
      slowMs: 1000,
      mostBytes: 64 * 1024 * 1024,
    };
    const { report, stuckAt } = await oneWorker(job);
    total.done += report.done;
    total.opened += report.opened;
    total.values += report.values;
    total.errors += report.errors;
    total.slowest = Math.max(total.slowest, report.slowest);
    total.faults.push(...report.faults);
    if (stuckAt === undefined) break;
    total.faults.push({ number: stuckAt, what: "does not end" });
    total.done = stuckAt + 1 - first;
    next = stuckAt + 1;
  }
  return total;
}

function oneWorker(job: Job): Promise<{ report: Report; stuckAt?: number }> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: job });
    const place = new Int32Array(job.at);
    let report: Report = { done: 0, opened: 0, values: 0, errors: 0, slowest: 0, faults: [] };
    let seen = -1;
    let since = performance.now();
    const watch = setInterval(() => {
      const now = Atomics.load(place, 0);
      if (now !== seen) {
        seen = now;
        since = performance.now();
      } else if (performance.now() - since > HANG_MS) {
        clearInterval(watch);
        void worker.terminate().then(() => resolve({ report, stuckAt: now }));
      }
    }, 500);
    let shown = performance.now();
    worker.on("message", (latest: Report) => {
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
      // A promise that never settles leaves a worker with nothing to wait for: it exits before its time.
      resolve(report.done === job.count ? { report } : { report, stuckAt: Atomics.load(place, 0) });
    });
  });
}
