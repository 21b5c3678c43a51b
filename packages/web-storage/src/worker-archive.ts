import {
  type ArchiveInfo,
  type KeysOptions,
  type OpenOptions,
  type Path,
  type Pattern,
  PeekpackError,
  type PersistentCacheOptions,
  type ReadOptions,
  type ReadStats,
  type Selected,
  type Value,
} from "@peekpack/core";
import { disposable, pageUrl } from "@peekpack/core/internal";
import { type RpcClient, type RpcPort, rpcClient } from "./rpc.js";
import { serializePath } from "./serialized-path.js";
import { deserializeValue, type SerializedValue } from "./serialized-value.js";
import type { SelectedBatch } from "./serve-archives.js";
import { scriptAdvice } from "./worker-script.js";

/** Options of {@link workerArchive}: those of `openArchive` that can be posted, and more. */
export interface WorkerArchiveOptions extends Omit<OpenOptions, "codec" | "retry"> {
  /**
   * A worker that runs `serveArchives`, or a port to one; it may serve many archives. A function makes the worker of this package
   * (`@peekpack/web-storage/archive-worker`), if a bundler does not find it; that worker ends when the archive is closed. Default: a
   * worker of this package.
   */
  readonly worker?: RpcPort | (() => Worker) | undefined;
  /** Caches what is read over HTTP, for later visits. Only for the worker of this package. Default: no cache. */
  readonly cache?: PersistentCacheOptions | undefined;
}

/** Options of every read in a worker. */
export interface WorkerReadOptions {
  /** Aborts this read, also in the worker. */
  readonly signal?: ReadOptions["signal"];
}

/** Options of `keys` in a worker: a page of them, as `KeysOptions` of core. */
export interface WorkerKeysOptions extends WorkerReadOptions {
  readonly start?: KeysOptions["start"];
  readonly limit?: KeysOptions["limit"];
}

/**
 * An archive that a worker reads and decodes. The methods have the same results and errors as those of `Archive`. Those that
 * return handles are missing: values are complete, and their bytes are transferred.
 */
export interface WorkerArchive {
  readonly info: ArchiveInfo;
  read(path?: Path, options?: WorkerReadOptions): Promise<Value>;
  readMany(paths: Iterable<Path>, options?: WorkerReadOptions): Promise<Value[]>;
  select(pattern: Pattern, options?: WorkerReadOptions): AsyncIterable<Selected>;
  keys(path?: Path, options?: WorkerKeysOptions): Promise<Value[]>;
  has(path: Path, options?: WorkerReadOptions): Promise<boolean>;
  size(path?: Path, options?: WorkerReadOptions): Promise<number>;
  index(): Promise<Uint8Array>;
  stats(): Promise<ReadStats>;
  /** Closes the archive, and ends the worker if it belongs to this archive. */
  close(): Promise<void>;
  /** Calls `close`. Missing in browsers without `Symbol.asyncDispose`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens an archive in a worker, so that the page does not block while it reads and decodes.
 *
 * @param what a URL, a Blob or bytes for the worker of this package; for another worker, what its opener takes. It is copied.
 * @throws PeekpackError as `openArchive` does; `network` if the worker's script could not be loaded; the message names its URL
 */
export async function workerArchive(
  what: unknown,
  options: WorkerArchiveOptions = {},
): Promise<WorkerArchive> {
  const { worker, cache, signal, onRequest, ...open } = options;
  signal?.throwIfAborted();
  const own = typeof worker === "function" ? worker() : worker === undefined ? packagedWorker() : undefined;
  const client = rpcClient((own ?? worker) as RpcPort);
  let loaded = false;
  own?.addEventListener("error", ({ error, message }) => client.close(workerError(loaded, error ?? message)));
  const end = (): void => {
    client.close(new PeekpackError("closed", "This archive is closed."));
    own?.terminate();
  };
  const events = onRequest === undefined ? undefined : new MessageChannel();
  if (events !== undefined) events.port1.onmessage = ({ data }) => onRequest?.(data);
  const opening = own === undefined ? what : { from: absoluteUrl(what), cache };
  try {
    const { id, info } = await client.call<{ id: number; info: ArchiveInfo }>(
      "open",
      [opening, open, events?.port2],
      { signal, transfer: events === undefined ? [] : [events.port2] },
    );
    loaded = true;
    return archiveOf(client, id, info, () => {
      events?.port1.close();
      end();
    });
  } catch (error) {
    events?.port1.close();
    end();
    throw error;
  }
}

/** The error of a worker that could not be loaded, or that failed later. */
function workerError(loaded: boolean, cause: unknown): PeekpackError {
  return loaded
    ? new PeekpackError("closed", "The worker of this archive has failed.", { cause })
    : new PeekpackError(
        "network",
        `The worker that reads archives could not be loaded.${scriptAdvice("archive-worker", import.meta.url)} Otherwise the page may be offline, or its files were replaced: reload it.`,
        { cause },
      );
}

function packagedWorker(): Worker {
  return new Worker(new URL("./archive-worker.js", import.meta.url), {
    type: "module",
    name: "peekpack-archive",
  });
}

/** Resolves a URL against the page: the worker's own URL is another. Returns anything else unchanged. */
function absoluteUrl(what: unknown): unknown {
  return typeof what === "string" || what instanceof URL ? new URL(what, pageUrl()?.href).href : what;
}

function archiveOf(client: RpcClient, id: number, info: ArchiveInfo, end: () => void): WorkerArchive {
  const value = async <T extends Value>(
    method: string,
    argument: unknown,
    options: WorkerReadOptions | undefined,
  ): Promise<T> => deserializeValue(await client.call<SerializedValue>(method, [id, argument], options)) as T;
  const close = async (): Promise<void> => {
    await client.call("close", [id]).catch(() => {});
    end();
  };
  return disposable<WorkerArchive>({
    info,
    read: async (path, options) => value("read", serializePath(path), options),
    readMany: async (paths, options) => value("readMany", Array.from(paths, serializePath), options),
    async *select(pattern, options) {
      const selection = await client.call<number>("select", [id, serializePath(pattern)], options);
      try {
        for (let done = false; !done; ) {
          const batch = await client.call<SelectedBatch>("nextBatch", [selection], options);
          done = batch.done;
          for (const { path, value } of batch.items) yield { path, value: deserializeValue(value) };
        }
      } finally {
        client.call("endSelection", [selection]).catch(() => {});
      }
    },
    async keys(path, { signal, ...page }: WorkerKeysOptions = {}) {
      const keys = await client.call<SerializedValue>("keys", [id, serializePath(path), page], { signal });
      return deserializeValue(keys) as Value[];
    },
    has: async (path, options) => client.call("has", [id, serializePath(path)], options),
    size: async (path, options) => client.call("size", [id, serializePath(path)], options),
    index: () => client.call("index", [id]),
    stats: () => client.call("stats", [id]),
    close,
  });
}
