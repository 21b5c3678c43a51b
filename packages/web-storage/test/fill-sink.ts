import type { ArchiveSink } from "@peekpack/core";
import { patterned } from "@peekpack/testing/contracts/range-source";

export const HEADER: Uint8Array = patterned(50, 9);

/** Writes bytes to a sink in pieces of various sizes, then the header. */
export async function fillSink(sink: ArchiveSink, bytes: Uint8Array): Promise<void> {
  for (let at = 0, step = 1; at < bytes.length; step = (step * 7 + 13) % 3_000_000) {
    const end = Math.min(bytes.length, at + step);
    await sink.write(bytes.slice(at, end));
    at = end;
  }
  await sink.finish(HEADER);
}

/** The archive that {@link fillSink} writes. */
export function archiveOf(bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(HEADER.length + bytes.length);
  all.set(HEADER);
  all.set(bytes, HEADER.length);
  return all;
}

export function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
