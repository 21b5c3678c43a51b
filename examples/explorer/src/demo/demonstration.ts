/** An archive that this page makes: simulations of 20 MB, or numbers of 40 GB that are computed when they are read. */
export type DemoName = "simulations" | "forty-gigabytes";

export const DEMO_NAMES: readonly DemoName[] = ["simulations", "forty-gigabytes"];

/**
 * An archive of generated simulations, in a Blob that the browser may store on disk. A worker generates it, because that takes a
 * second.
 * @throws the signal's reason
 */
export async function generatedSimulations(signal: AbortSignal): Promise<Blob> {
  const worker = new Worker(new URL("./simulations-worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise<Blob>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Blob>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      signal.throwIfAborted();
    });
  } finally {
    worker.terminate();
  }
}
