import { PeekpackError } from "@peekpack/core";
import { loadFeature, TimeSlice } from "@peekpack/core/internal";
import { type CompressionRequest, type CompressionResponse, message } from "./compression-messages.js";
import {
  type Batch,
  type CompressedBatch,
  type Compressor,
  CompressorStartError,
  compressBatch,
  loadCompressor,
} from "./compressor.js";
import { nodeModule } from "./platform.js";

/** What is used of a browser's Worker. Its own type does not exist in projects without the types of the DOM. */
export interface WebWorker {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: "error",
    listener: (event: { readonly message: string; preventDefault(): void }) => void,
  ): void;
  terminate(): void;
}

/** Makes a worker of `@peekpack/zstd/compression-worker`. */
export type WorkerFactory = () => WebWorker;

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
  /** Ends the workers. Batches that are being compressed reject with `closed`. */
  close(): void;
}

/** Makes a pool. Workers start with the first batch. */
export function compressionPool(options: CompressionOptions): CompressionPool {
  const { level, checksum, concurrency } = options;
  const here = compressHere(level, checksum);
  let workers: Promise<readonly CompressionThread[]> | undefined;
  let started = nodeModule("node:worker_threads") === undefined;
  let next = 0;
  let closed = false;
  return {
    async compress(batch) {
      workers ??= startThreads(options.worker, concurrency).finally(() => {
        started = true;
      });
      if (!started) return here(batch);
      const threads = await workers;
      if (closed) for (const thread of threads) thread.end();
      if (threads.length === 0) return here(batch);
      return threads[next++ % threads.length]!.compress({ batch, level, checksum });
    },
    close() {
      closed = true;
      void workers?.then((threads) => {
        for (const thread of threads) thread.end();
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

/** A worker with its open requests. */
interface CompressionThread {
  compress(request: Omit<CompressionRequest, "id">): Promise<CompressedBatch>;
  end(): void;
}

/** Starts workers. None if one of them cannot be started. */
async function startThreads(
  factory: WorkerFactory | false | undefined,
  count: number,
): Promise<readonly CompressionThread[]> {
  if (factory === false) return [];
  const results = await Promise.allSettled(Array.from({ length: count }, () => startThread(factory)));
  const threads = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  if (threads.length === count) return threads;
  for (const thread of threads) thread.end();
  return [];
}

/** What the two kinds of workers have in common. */
interface Channel {
  post(request: CompressionRequest): void;
  onMessage(listener: (response: CompressionResponse) => void): void;
  onError(listener: (error: unknown) => void): void;
  /** Whether the worker keeps the process alive. An idle one must not: its sink may be abandoned. */
  setBusy(busy: boolean): void;
  end(): void;
}

async function startThread(factory: WorkerFactory | undefined): Promise<CompressionThread> {
  const channel = openChannel(factory);
  const pending = new Map<number, { resolve(batch: CompressedBatch): void; reject(error: unknown): void }>();
  let lastId = 0;
  let ended: PeekpackError | undefined;
  const end = (error: PeekpackError): void => {
    ended ??= error;
    channel.end();
    for (const request of pending.values()) request.reject(ended);
    pending.clear();
  };
  await new Promise<void>((resolve, reject) => {
    channel.onError((cause) => {
      end(workerError(message(cause)));
      reject(cause);
    });
    channel.onMessage(({ id, compressed, error = "", forbidden }) => {
      const request = pending.get(id);
      pending.delete(id);
      channel.setBusy(pending.size > 0);
      if (id < 0) return resolve();
      if (compressed) request?.resolve(compressed);
      else request?.reject(forbidden ? sinkError("denied", error) : workerError(error));
    });
  });
  return {
    compress: (request) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended);
        const id = lastId++;
        pending.set(id, { resolve, reject });
        channel.setBusy(true);
        channel.post({ id, ...request });
      }),
    end: () => end(sinkError("closed", "This sink is closed.")),
  };
}

function workerError(text: string): PeekpackError {
  return sinkError("network", `A worker that compresses has failed: ${text}`);
}

function sinkError(code: "closed" | "denied" | "network", text: string): PeekpackError {
  return new PeekpackError(code, text, { section: "sink" });
}

/** Starts a worker: the caller's, Node's, or the browser's. */
function openChannel(factory: WorkerFactory | undefined): Channel {
  const threads = factory ? undefined : nodeModule("node:worker_threads");
  if (threads) {
    // Bundlers of pages look for `new URL(text, import.meta.url)`.
    const here = import.meta.url;
    const worker = new threads.Worker(new URL("./compression-worker.js", here));
    return {
      post: (request) => worker.postMessage(request, [request.batch.content.buffer as ArrayBuffer]),
      onMessage: (listener) => worker.on("message", listener),
      onError: (listener) => worker.on("error", listener),
      setBusy: (busy) => (busy ? worker.ref() : worker.unref()),
      end: () => void worker.terminate(),
    };
  }
  const worker: WebWorker = factory
    ? factory()
    : new Worker(new URL("./compression-worker.js", import.meta.url), {
        type: "module",
        name: "peekpack-zstd",
      });
  return {
    post: (request) => worker.postMessage(request, [request.batch.content.buffer as ArrayBuffer]),
    onMessage: (listener) =>
      worker.addEventListener("message", ({ data }) => listener(data as CompressionResponse)),
    onError: (listener) =>
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        listener(event.message);
      }),
    setBusy: () => {},
    end: () => worker.terminate(),
  };
}
