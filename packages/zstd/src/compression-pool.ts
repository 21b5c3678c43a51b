import type { PeekpackError } from "@peekpack/core";
import { loadFeature, TimeSlice } from "@peekpack/core/internal";
import { type CompressionThread, sinkError, takeThreads, type WorkerFactory } from "./compression-thread.js";
import {
  type Batch,
  type CompressedBatch,
  type Compressor,
  CompressorStartError,
  compressBatch,
  loadCompressor,
} from "./compressor.js";
import { nodeModule } from "./platform.js";

/** How batches are compressed. */
export interface CompressionOptions {
  readonly level: number;
  readonly checksum: boolean;
  /** Number of workers. */
  readonly concurrency: number;
  /** false: no worker. Undefined: those of the platform. */
  readonly worker: WorkerFactory | false | undefined;
}

/**
 * Compresses batches in workers; in this thread if there are none, or if their script cannot be loaded. In Node this thread compresses
 * until they have started. A page stays responsive instead.
 */
export interface CompressionPool {
  /** Compresses a batch, and takes its buffer over until the batch is compressed. */
  compress(batch: Batch): Promise<CompressedBatch>;
  /** Gives the workers back. Batches that are being compressed reject with `closed`. */
  close(): void;
}

/** Makes a pool. Workers are taken, or start, with the first batch. */
export function compressionPool(options: CompressionOptions): CompressionPool {
  const { level, checksum, concurrency } = options;
  const here = compressHere(level, checksum);
  let workers: Promise<readonly CompressionThread[]> | undefined;
  let started = nodeModule("node:worker_threads") === undefined;
  let next = 0;
  let closed = false;
  return {
    async compress(batch) {
      workers ??= takeThreads(options.worker, concurrency).finally(() => {
        started = true;
      });
      if (!started) return here(batch);
      const threads = await workers;
      if (closed) throw sinkError("closed", "This sink is closed.");
      if (threads.length === 0) return here(batch);
      return threads[next++ % threads.length]!.compress({ batch, level, checksum });
    },
    close() {
      closed = true;
      void workers?.then((threads) => {
        for (const thread of threads) thread.release();
      });
    },
  };
}

/**
 * Compresses batches in this thread, and lets other tasks run in between: among them the first messages of workers. Batches reject with
 * `network` if code cannot be loaded or started, with `denied` if WebAssembly is forbidden.
 */
export function compressHere(level: number, checksum: boolean): (batch: Batch) => Promise<CompressedBatch> {
  const slice = new TimeSlice();
  let loading: Promise<Compressor> | undefined;
  return async (batch) => {
    loading ??= loadFeature("compression", () => loadCompressor(level, checksum)).catch(
      (error: PeekpackError) => {
        loading = undefined;
        const { cause } = error;
        if (!(cause instanceof CompressorStartError)) throw error;
        throw sinkError(cause.forbidden ? "denied" : "network", cause.message);
      },
    );
    const compressor = await loading;
    await slice.next(undefined);
    return compressBatch(compressor, batch);
  };
}

/** Number of threads that the platform runs at once. */
export function availableThreads(): number {
  return nodeModule("node:os")?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}
