/**
 * Joins chunks into one array. It is a plain Uint8Array with a buffer of its own, except that a single chunk that already
 * is one is returned as it is, not copied.
 */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  // A short chunk can be a view of a 64 KiB network buffer, which it would keep alive; and it can be a Node Buffer.
  if (chunks.length === 1 && only!.length === only!.buffer.byteLength && only!.constructor === Uint8Array) {
    return only!;
  }
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}
