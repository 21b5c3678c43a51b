/**
 * Reads a body to its end, or until it has more than `most` bytes. Allocates no more than what has arrived, and what has
 * arrived is in `chunks` also when the body breaks off.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  most: number,
  signal: AbortSignal,
  onBytes?: (count: number) => void,
  chunks: Uint8Array[] = [],
): Promise<Uint8Array> {
  const reader = body?.getReader();
  // Not every fetch that a caller hands over heeds the signal.
  const leave = (): void => void reader?.cancel().catch(() => {});
  signal.addEventListener("abort", leave);
  try {
    for (let length = 0; reader && length <= most; ) {
      const { done, value } = await reader.read();
      if (done) return joined(chunks);
      chunks.push(value);
      length += value.length;
      onBytes?.(value.length);
    }
    leave();
    return joined(chunks);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** One array of its own of several. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  // A short chunk is a window on a network buffer of 64 KiB, which it would keep alive; and it may be a Buffer.
  if (chunks.length === 1 && only!.length === only!.buffer.byteLength && only!.constructor === Uint8Array) {
    return only!;
  }
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
