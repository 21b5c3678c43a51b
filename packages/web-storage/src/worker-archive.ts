import {
  type ArchiveInfo,
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
import { carryPath } from "./carried-path.js";
import { type CarriedValue, unpacked } from "./carried-value.js";
import { type Remote, type RemotePort, remote } from "./remote.js";
import type { CarriedItems } from "./serve-archives.js";

/** How an archive is opened in a worker. Of the options of `openArchive`, those that can be posted. */
export interface WorkerArchiveOptions extends Omit<OpenOptions, "codec" | "retry"> {
  /**
   * The worker: one that `serveArchives` runs in, which may serve many archives, or a port to one. Default: one of this
   * package, which ends when the archive is closed.
   */
  readonly worker?: RemotePort | undefined;
  /** Keeps what is read over HTTP, for later visits; for the worker of this package. Default: it is not kept. */
  readonly cache?: PersistentCacheOptions | undefined;
}

/** What may accompany every read in a worker. */
export interface WorkerReadOptions {
  /** Ends this caller's wait, and the work in the worker. */
  readonly signal?: ReadOptions["signal"];
}

/**
 * An archive that a worker reads and decodes. Its methods are those of `Archive`, with the same values and errors, but for
 * those that give handles: values come over whole, their bytes transferred.
 */
export interface WorkerArchive {
  readonly info: ArchiveInfo;
  read(path?: Path, options?: WorkerReadOptions): Promise<Value>;
  readMany(paths: Iterable<Path>, options?: WorkerReadOptions): Promise<Value[]>;
  select(pattern: Pattern, options?: WorkerReadOptions): AsyncIterable<Selected>;
  keys(path?: Path, options?: WorkerReadOptions): Promise<Value[]>;
  has(path: Path, options?: WorkerReadOptions): Promise<boolean>;
  size(path?: Path, options?: WorkerReadOptions): Promise<number>;
  index(): Promise<Uint8Array>;
  stats(): Promise<ReadStats>;
  /** Closes the archive, and ends the worker where it is this archive's own. */
  close(): Promise<void>;
}

/**
 * Opens an archive in a worker, so that neither reading nor decoding holds up the page.
 *
 * @param what a URL, a Blob or bytes for the worker of this package; for another, what its opener takes. It is copied.
 * @throws what `openArchive` throws; PeekpackError `closed` when the worker could not be started, or has ended
 */
export async function workerArchive(
  what: unknown,
  options: WorkerArchiveOptions = {},
): Promise<WorkerArchive> {
  const { worker, cache, signal, onRequest, ...open } = options;
  signal?.throwIfAborted();
  const own = worker === undefined ? packagedWorker() : undefined;
  const away = remote(worker ?? (own as RemotePort));
  const fail = (): void =>
    away.close(new PeekpackError("closed", "The worker could not be started, or has failed."));
  own?.addEventListener("error", fail);
  const end = (): void => {
    away.close(new PeekpackError("closed", "This archive is closed."));
    own?.terminate();
  };
  const events = onRequest === undefined ? undefined : new MessageChannel();
  if (events !== undefined) events.port1.onmessage = ({ data }) => onRequest?.(data);
  const asked = own === undefined ? what : { from: fromHere(what), cache };
  try {
    const { id, info } = await away.call<{ id: number; info: ArchiveInfo }>(
      "open",
      [asked, open, events?.port2],
      { signal, transfer: events === undefined ? [] : [events.port2] },
    );
    return archiveOf(away, id, info, () => {
      events?.port1.close();
      end();
    });
  } catch (error) {
    events?.port1.close();
    end();
    throw error;
  }
}

function packagedWorker(): Worker {
  return new Worker(new URL("./archive-worker.js", import.meta.url), {
    type: "module",
    name: "peekpack-archive",
  });
}

/** URLs are relative to the page, not to the worker. */
function fromHere(what: unknown): unknown {
  return typeof what === "string" || what instanceof URL
    ? new URL(what, globalThis.location?.href).href
    : what;
}

function archiveOf(away: Remote, id: number, info: ArchiveInfo, end: () => void): WorkerArchive {
  const value = async <T extends Value>(
    name: string,
    argument: unknown,
    options: WorkerReadOptions | undefined,
  ): Promise<T> => unpacked(await away.call<CarriedValue>(name, [id, argument], options)) as T;
  return {
    info,
    read: async (path, options) => value("read", carryPath(path), options),
    readMany: async (paths, options) => value("readMany", Array.from(paths, carryPath), options),
    async *select(pattern, options) {
      const walk = await away.call<number>("select", [id, carryPath(pattern)], options);
      try {
        for (let done = false; !done; ) {
          const more = await away.call<CarriedItems>("more", [walk], options);
          done = more.done;
          for (const { path, value } of more.items) yield { path, value: unpacked(value) };
        }
      } finally {
        away.call("leave", [walk]).catch(() => {});
      }
    },
    keys: async (path, options) => value("keys", carryPath(path), options),
    has: async (path, options) => away.call("has", [id, carryPath(path)], options),
    size: async (path, options) => away.call("size", [id, carryPath(path)], options),
    index: () => away.call("index", [id]),
    stats: () => away.call("stats", [id]),
    async close() {
      await away.call("close", [id]).catch(() => {});
      end();
    },
  };
}
