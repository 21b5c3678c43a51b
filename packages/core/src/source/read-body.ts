import { concat } from "../bytes.js";

/**
 * Reads a body to its end, or until it exceeds `maxBytes`. Allocates no more than what has arrived. The bytes that have arrived
 * are in `chunks` also if the body fails.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  signal: AbortSignal,
  onBytes?: (count: number) => void,
  chunks: Uint8Array[] = [],
): Promise<Uint8Array> {
  const reader = body?.getReader();
  // A fetch that the caller provides may ignore the signal.
  const cancel = (): void => void reader?.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    for (let length = 0; reader && length <= maxBytes; ) {
      const { done, value } = await reader.read();
      if (done) return concat(chunks);
      chunks.push(value);
      length += value.length;
      onBytes?.(value.length);
    }
    cancel();
    return concat(chunks);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
