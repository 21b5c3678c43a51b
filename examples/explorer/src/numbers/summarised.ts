import { TimeSlice } from "@peekpack/core/internal";
import type { Part } from "./axis.js";
import { GatheredNumbers } from "./gathered-numbers.js";
import { type Statistics, statisticsOf } from "./statistics.js";
import { STEP } from "./steps.js";

/** More numbers are summarised by a worker, because sorting them would block the page. */
const DIRECT = 100_000;

/** As {@link statisticsOf}, without blocking the page. @throws the signal's reason */
export async function summarised(numbers: Iterable<Part>, signal: AbortSignal): Promise<Statistics> {
  const parts = Array.from(numbers, ({ values }) => values);
  const count = parts.reduce((sum, { length }) => sum + length, 0);
  if (count <= DIRECT) {
    const gathered = new GatheredNumbers(count);
    for (const part of parts) gathered.add(part);
    return statisticsOf(gathered.values);
  }
  const worker = new Worker(new URL("./statistics-worker.ts", import.meta.url), { type: "module" });
  try {
    const statistics = new Promise<Statistics>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Statistics>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    // An abort while numbers are sent rejects both.
    statistics.catch(() => {});
    worker.postMessage(count);
    const slice = new TimeSlice();
    for (const part of parts) {
      for (let from = 0; from < part.length; from += STEP) {
        await slice.next(signal);
        // A copy that is moved: to copy all numbers at once would block the page.
        const copy = part.slice(from, from + STEP);
        worker.postMessage(copy, [copy.buffer]);
      }
    }
    return await statistics;
  } finally {
    worker.terminate();
  }
}
