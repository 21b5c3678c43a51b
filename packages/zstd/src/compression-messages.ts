import type { Batch, CompressedBatch } from "./compressor.js";

/** What a worker is asked to do. */
export interface CompressionRequest {
  readonly id: number;
  readonly batch: Batch;
  readonly level: number;
  readonly checksum: boolean;
}

/** The response to the request of the same id. The first response, with id −1, says that the worker is ready. */
export interface CompressionResponse {
  readonly id: number;
  readonly compressed?: CompressedBatch;
  readonly error?: string;
  /** Whether it failed because WebAssembly may not be compiled. */
  readonly forbidden?: boolean;
}

/** The text of an error, which is what another thread is told. */
export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
