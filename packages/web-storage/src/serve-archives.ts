import {
  type Archive,
  type KeysOptions,
  type OpenOptions,
  PeekpackError,
  type RequestListener,
  type Selected,
  type Value,
} from "@peekpack/core";
import { type RpcCall, type RpcMethod, type RpcPort, serveRpc } from "./rpc.js";
import { deserializePath, deserializePattern, type SerializedPath } from "./serialized-path.js";
import { type SerializedValue, serializeValue } from "./serialized-value.js";

/** Opens an archive for a page. `what` is a copy of the first argument of `workerArchive`. */
export type ArchiveOpener<T> = (what: T, options: OpenOptions) => Promise<Archive>;

/** One batch of results of `select`. */
export interface SelectedBatch {
  readonly items: readonly { readonly path: Selected["path"]; readonly value: SerializedValue }[];
  readonly done: boolean;
}

// A batch ends after this many items, or when the page would wait longer than one frame.
const MAX_BATCH_ITEMS = 256;
const MAX_BATCH_MS = 16;

/** Marks a served port. Global, because a bundle may contain this module more than once. */
const SERVED = Symbol.for("peekpack.served");

/**
 * Lets pages read archives that this worker opens: the counterpart of `workerArchive`. For workers of an application that
 * open what a page cannot.
 *
 * @example
 * // worker.ts
 * serveArchives((path: string, options) => openArchive(store.source(path), options));
 * // page.ts
 * const archive = await workerArchive("bucket/key", { worker: new Worker(new URL("./worker.js", import.meta.url)) });
 *
 * @param port where calls come from. Default: this worker's global scope. A port that is served already is ignored: WebKit
 * evaluates a worker's entry once more when a chunk imports from it.
 * @returns a function that stops serving
 */
export function serveArchives<T>(
  open: ArchiveOpener<T>,
  port: RpcPort = globalThis as unknown as RpcPort,
): () => void {
  const marked: RpcPort & { [SERVED]?: true } = port;
  if (marked[SERVED]) return () => {};
  marked[SERVED] = true;
  const archives = new Map<number, Archive>();
  const selections = new Map<
    number,
    { readonly items: AsyncIterator<Selected>; readonly controller: AbortController }
  >();
  let next = 0;
  const archive = (id: number): Archive => {
    const found = archives.get(id);
    if (found === undefined) throw new PeekpackError("closed", "This archive is closed.");
    return found;
  };
  const serialize = (call: RpcCall, value: Value): SerializedValue => {
    const { serialized, buffers } = serializeValue(value);
    call.transfer(buffers);
    return serialized;
  };

  const methods = {
    async open(call: RpcCall, what: T, options: OpenOptions, events: MessagePort | undefined) {
      const onRequest: RequestListener | undefined = events && ((event) => events.postMessage(event));
      const opened = await open(what, { ...options, signal: call.signal, ...(onRequest && { onRequest }) });
      if (call.signal.aborted) {
        // The caller does not learn the id, so that nobody else could close it.
        await opened.close();
        call.signal.throwIfAborted();
      }
      const id = next++;
      archives.set(id, opened);
      return { id, info: opened.info };
    },
    read: async (call: RpcCall, id: number, path: SerializedPath) =>
      serialize(call, await archive(id).read(deserializePath(path), { signal: call.signal })),
    readMany: async (call: RpcCall, id: number, paths: readonly SerializedPath[]) =>
      serialize(call, await archive(id).readMany(paths.map(deserializePath), { signal: call.signal })),
    keys: async (
      call: RpcCall,
      id: number,
      path: SerializedPath,
      page?: Pick<KeysOptions, "start" | "limit">,
    ) => {
      const keys = archive(id).keys(deserializePath(path), { ...page, signal: call.signal });
      return serialize(call, await keys.toArray());
    },
    has: (call: RpcCall, id: number, path: SerializedPath) =>
      archive(id).has(deserializePath(path), { signal: call.signal }),
    size: (call: RpcCall, id: number, path: SerializedPath) =>
      archive(id).size(deserializePath(path), { signal: call.signal }),
    select(_: RpcCall, id: number, pattern: SerializedPath) {
      const selection = next++;
      const controller = new AbortController();
      const found = archive(id).select(deserializePattern(pattern), { signal: controller.signal });
      selections.set(selection, { items: found[Symbol.asyncIterator](), controller });
      return selection;
    },
    async nextBatch(call: RpcCall, selection: number): Promise<SelectedBatch> {
      const items: SelectedBatch["items"][number][] = [];
      const start = performance.now();
      while (
        items.length < MAX_BATCH_ITEMS &&
        (items.length === 0 || performance.now() - start < MAX_BATCH_MS)
      ) {
        const { value, done } = (await selections.get(selection)?.items.next()) ?? {
          value: undefined,
          done: true,
        };
        if (done) {
          selections.delete(selection);
          return { items, done: true };
        }
        items.push({ path: value.path, value: serialize(call, value.value) });
      }
      return { items, done: false };
    },
    async endSelection(_: RpcCall, selection: number) {
      const ended = selections.get(selection);
      selections.delete(selection);
      ended?.controller.abort();
      await ended?.items.return?.();
    },
    index: (_: RpcCall, id: number) => archive(id).index(),
    stats: (_: RpcCall, id: number) => archive(id).stats,
    async close(_: RpcCall, id: number) {
      const closing = archives.get(id);
      archives.delete(id);
      await closing?.close();
    },
  };
  const stop = serveRpc(port, methods as unknown as Readonly<Record<string, RpcMethod>>);
  return () => {
    delete marked[SERVED];
    stop();
  };
}
