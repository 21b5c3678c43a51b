/** Child process that reads at random through a faulty proxy, and reports results and leaks. */
import { setTimeout as sleep } from "node:timers/promises";
import { openArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { countingSignal, seeded } from "../../src/contracts/range-source.js";
import { type SoakReport, type SoakTask, soakEntry } from "./task.js";

declare const gc: () => void;

const task = JSON.parse(process.argv[2]!) as SoakTask;
const random = seeded(task.seed);
const store = s3Store({ ...task.access, concurrency: 16 });
const archive = await openArchive(store.source(task.path, { stallMs: 600, wholeBytes: 1000 }), {
  // On a busy machine, thousands of requests wait for minutes.
  retry: { attempts: 30, baseMs: 3, retryAfterMs: 20, totalMs: 600_000 },
  // A small cache: most reads need a request.
  cacheBytes: 400_000,
  gap: 300,
  readAhead: 30_000,
});
const shared = countingSignal();

/** Runs one random read. @returns whether its result is right */
async function readOnce(signal: AbortSignal | undefined): Promise<boolean> {
  const options = { signal, priority: Math.floor(random() * 3) };
  const index = Math.floor(random() * task.entries);
  const kind = random();
  if (kind < 0.7) {
    return same(await archive.read(["entries", index], options), soakEntry(index));
  }
  if (kind < 0.9) {
    const some = Array.from({ length: 5 }, () => Math.floor(random() * task.entries));
    const read = await archive.readMany(
      some.map((one) => ["entries", one, "text"]),
      options,
    );
    return same(
      read,
      some.map((one) => soakEntry(one).text),
    );
  }
  const first = Math.min(index, task.numbers - 400);
  const slice = await archive.read(`numbers/${first}:${first + 400}`, options);
  return same(
    slice,
    Array.from({ length: 400 }, (_, i) => (first + i) * 3),
  );
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

async function round(reads: number, overMs: number): Promise<SoakReport["rounds"][number]> {
  const counts = { right: 0, wrong: 0, aborted: 0, failed: [] as string[] };
  await Promise.all(
    Array.from({ length: reads }, async () => {
      await sleep(random() * overMs);
      const controller = random() < 0.4 ? new AbortController() : undefined;
      const reason = Symbol("left");
      const timer = controller && setTimeout(() => controller.abort(reason), random() ** 2 * 300);
      try {
        const right = await readOnce(controller?.signal ?? (random() < 0.5 ? shared.signal : undefined));
        counts[right ? "right" : "wrong"]++;
      } catch (error) {
        if (error === reason) counts.aborted++;
        else if (counts.failed.push(String(error)) > 5) counts.failed.length = 5;
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  // Wait for work that aborted callers left.
  await sleep(600);
  for (let i = 0; i < 4; i++) {
    gc();
    await sleep(20);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    ...counts,
    memory: heapUsed + arrayBuffers,
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
    listeners: shared.listeners(),
    requests: archive.stats.requests,
    retries: archive.stats.retries,
  };
}

const rounds = [await round(2000, 500), await round(task.reads, 3000)];
await archive.close();
process.stdout.write(JSON.stringify({ rounds } satisfies SoakReport));
// fetch keeps connections alive; do not wait for them.
process.exit(0);
