import type { S3Access } from "../../src/s3/client.js";

/** What the streaming process is told to do. */
export interface StreamOrder {
  readonly access: S3Access;
  readonly path: string;
  /** How many MiB. */
  readonly chunks: number;
}

/** What it has cost, where the system tells: the most memory, and what it wrote to disks. */
export interface StreamCost {
  readonly peakBytes?: number | undefined;
  readonly writtenBytes?: number | undefined;
}

const pattern = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => Math.imul(i, 2654435761) >>> 24);

/** A MiB of the stream, unlike every other. */
export function streamedChunk(index: number): Uint8Array {
  const chunk = pattern.slice();
  new DataView(chunk.buffer).setUint32(0, index);
  return chunk;
}
