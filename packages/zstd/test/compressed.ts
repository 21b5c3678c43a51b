import { type ArchiveSink, HEADER_SIZE, memorySink } from "@peekpack/core";
import { type ZstdSinkOptions, zstdSink } from "../src/index.js";

/** Writes bytes to a sink: the first 50 as the header, the others in chunks. */
export async function fill(sink: ArchiveSink, bytes: Uint8Array, chunkBytes = 100_000): Promise<void> {
  for (let at = HEADER_SIZE; at < bytes.length; at += chunkBytes) {
    await sink.write(bytes.slice(at, Math.min(bytes.length, at + chunkBytes)));
  }
  await sink.finish(bytes.slice(0, HEADER_SIZE));
}

/** Compresses bytes as `zstdSink` does. In this thread, unless the options say otherwise. */
export async function compressed(bytes: Uint8Array, options: ZstdSinkOptions = {}): Promise<Uint8Array> {
  const sink = memorySink();
  await fill(zstdSink(sink, { worker: false, ...options }), bytes);
  return sink.bytes();
}

/** A deterministic value whose archive compresses about as well as real data. */
export function sample(entries: number): Record<string, unknown> {
  return Object.fromEntries(
    Array.from({ length: entries }, (_, i) => [
      `entry ${i}`,
      {
        id: i,
        name: `name ${(i * 7919) % 1000}`,
        values: Array.from({ length: 100 }, (_, k) => (i * k) % 97),
      },
    ]),
  );
}
