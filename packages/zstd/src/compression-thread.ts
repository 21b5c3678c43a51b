import { PeekpackError } from "@peekpack/core";
import { type CompressionRequest, type CompressionResponse, message } from "./compression-messages.js";
import type { CompressedBatch } from "./compressor.js";
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

/** A worker with its open requests. */
export interface CompressionThread {
  compress(request: Omit<CompressionRequest, "id">): Promise<CompressedBatch>;
  /** Keeps the worker for another write, or ends it. Open requests reject with `closed`. */
  release(): void;
}

/** Workers that no write uses. To start one costs as much as to compress 20 MiB. */
const idleThreads = new Set<CompressionThread>();
/** How long an idle worker is kept. */
const IDLE_MS = 10_000;
/** A worker that had larger batches is not kept: its memory never shrinks. */
const MAX_KEPT_BATCH_BYTES = 1024 * 1024;

/** Takes idle workers, and starts what is missing. None if one of them cannot be started. */
export async function takeThreads(
  factory: WorkerFactory | false | undefined,
  count: number,
): Promise<readonly CompressionThread[]> {
  if (factory === false) return [];
  const taken = factory ? [] : [...idleThreads].slice(0, count);
  for (const thread of taken) idleThreads.delete(thread);
  const missing = Array.from({ length: count - taken.length }, () => startThread(factory));
  const results = await Promise.allSettled([...taken, ...missing]);
  const threads = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  if (threads.length === count) return threads;
  for (const thread of threads) thread.release();
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
  let kept = factory === undefined;
  let ended: PeekpackError | undefined;
  const end = (error: PeekpackError): void => {
    ended ??= error;
    idleThreads.delete(thread);
    channel.end();
    for (const request of pending.values()) request.reject(ended);
    pending.clear();
  };
  const thread: CompressionThread = {
    compress: (request) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended);
        const id = lastId++;
        pending.set(id, { resolve, reject });
        kept &&= request.batch.content.length <= MAX_KEPT_BATCH_BYTES;
        channel.setBusy(true);
        channel.post({ id, ...request });
      }),
    release() {
      const close = (): void => end(sinkError("closed", "This sink is closed."));
      if (!kept || ended || pending.size > 0) return close();
      idleThreads.add(thread);
      const timer: unknown = setTimeout(() => idleThreads.has(thread) && close(), IDLE_MS);
      // Node: an idle worker does not keep the process alive.
      (timer as { unref?(): void }).unref?.();
    },
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
      kept &&= compressed !== undefined;
      if (compressed) request?.resolve(compressed);
      else request?.reject(forbidden ? sinkError("denied", error) : workerError(error));
    });
  });
  return thread;
}

function workerError(text: string): PeekpackError {
  return sinkError("network", `A worker that compresses has failed: ${text}`);
}

/** The error of a sink. */
export function sinkError(code: "closed" | "denied" | "network", text: string): PeekpackError {
  return new PeekpackError(code, text, { section: "sink" });
}

/** Starts a worker: the caller's, Node's, or the browser's. */
function openChannel(factory: WorkerFactory | undefined): Channel {
  const threads = factory ? undefined : nodeModule("node:worker_threads");
  if (threads) {
    // Bundlers of pages look for `new URL(text, import.meta.url)`. Node starts no file with the flag `--input-type` of the program.
    const here = import.meta.url;
    const worker = new threads.Worker(new URL("./compression-worker.js", here), { execArgv: [] });
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
