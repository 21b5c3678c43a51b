import type { S3Access } from "../../src/s3/client.js";

/** Task of the streaming process. */
export interface StreamTask {
  readonly access: S3Access;
  readonly path: string;
  /** Number of chunks of 1 MiB. */
  readonly chunks: number;
}

/** Peak memory and local disk writes, if the system reports them. */
export interface StreamCost {
  readonly peakBytes?: number | undefined;
  readonly writtenBytes?: number | undefined;
}

const pattern = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => Math.imul(i, 2654435761) >>> 24);

/** One MiB of the stream; all differ. */
export function streamedChunk(index: number): Uint8Array {
  const chunk = pattern.slice();
  new DataView(chunk.buffer).setUint32(0, index);
  return chunk;
}
