import { type Statistics, statisticsOf } from "./statistics.js";

/** More numbers are summarised by a worker, because sorting them would block the page. */
const DIRECT = 100_000;

/** As {@link statisticsOf}, without blocking the page. @throws the signal's reason */
export async function summarised(values: Float64Array, signal: AbortSignal): Promise<Statistics> {
  if (values.length <= DIRECT) return statisticsOf(values);
  const worker = new Worker(new URL("./statistics-worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise<Statistics>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Statistics>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      signal.throwIfAborted();
      worker.postMessage(values);
    });
  } finally {
    worker.terminate();
  }
}
