import {
  type Archive,
  type OpenOptions,
  PeekpackError,
  type RequestListener,
  type Selected,
  type Value,
} from "@peekpack/core";
import { type CarriedPath, openPath, openPattern } from "./carried-path.js";
import { type CarriedValue, carry } from "./carried-value.js";
import { answer, type RemoteCall, type RemoteMethod, type RemotePort } from "./remote.js";

/** Opens what a page has asked for. `what` is what `workerArchive` was given, copied. */
export type ArchiveOpener<T> = (what: T, options: OpenOptions) => Promise<Archive>;

/** What `select` gives at a time. */
export interface CarriedItems {
  readonly items: readonly { readonly path: Selected["path"]; readonly value: CarriedValue }[];
  readonly done: boolean;
}

// As many as come at once, but no longer than a frame of the page takes.
const MOST_ITEMS = 256;
const LONGEST_MS = 16;

/** Marks a port that is answered, for whatever copy of this module comes by. */
const SERVED = Symbol.for("peekpack.served");

/**
 * Lets pages read archives that this worker opens: the answering end of `workerArchive`. For a worker of an
 * application's own, that opens what only it can open.
 *
 * @example
 * // worker.ts
 * serveArchives((path: string, options) => openArchive(store.source(path), options));
 * // page.ts
 * const archive = await workerArchive("bucket/key", { worker: new Worker(new URL("./worker.js", import.meta.url)) });
 *
 * @param port what calls come from; default this worker's global scope. One that is served already is left alone: WebKit
 * evaluates a worker's entry once more when a chunk imports something of it.
 * @returns what ends it
 */
export function serveArchives<T>(
  open: ArchiveOpener<T>,
  port: RemotePort = globalThis as unknown as RemotePort,
): () => void {
  const marked: RemotePort & { [SERVED]?: true } = port;
  if (marked[SERVED]) return () => {};
  marked[SERVED] = true;
  const archives = new Map<number, Archive>();
  const walks = new Map<
    number,
    { readonly items: AsyncIterator<Selected>; readonly controller: AbortController }
  >();
  let next = 0;
  const the = (id: number): Archive => {
    const archive = archives.get(id);
    if (archive === undefined) throw new PeekpackError("closed", "This archive is closed.");
    return archive;
  };
  const handOver = (call: RemoteCall, value: Value): CarriedValue => {
    const { carried, buffers } = carry(value);
    call.transfer(buffers);
    return carried;
  };

  const methods = {
    async open(call: RemoteCall, what: T, options: OpenOptions, events: MessagePort | undefined) {
      const onRequest: RequestListener | undefined = events && ((event) => events.postMessage(event));
      const archive = await open(what, { ...options, signal: call.signal, ...(onRequest && { onRequest }) });
      if (call.signal.aborted) {
        // Nobody will ever ask for it.
        await archive.close();
        call.signal.throwIfAborted();
      }
      const id = next++;
      archives.set(id, archive);
      return { id, info: archive.info };
    },
    read: async (call: RemoteCall, id: number, path: CarriedPath) =>
      handOver(call, await the(id).read(openPath(path), { signal: call.signal })),
    readMany: async (call: RemoteCall, id: number, paths: readonly CarriedPath[]) =>
      handOver(call, await the(id).readMany(paths.map(openPath), { signal: call.signal })),
    keys: async (call: RemoteCall, id: number, path: CarriedPath) =>
      handOver(call, await the(id).keys(openPath(path), { signal: call.signal }).toArray()),
    has: (call: RemoteCall, id: number, path: CarriedPath) =>
      the(id).has(openPath(path), { signal: call.signal }),
    size: (call: RemoteCall, id: number, path: CarriedPath) =>
      the(id).size(openPath(path), { signal: call.signal }),
    select(_: RemoteCall, id: number, pattern: CarriedPath) {
      const walk = next++;
      const controller = new AbortController();
      const found = the(id).select(openPattern(pattern), { signal: controller.signal });
      walks.set(walk, { items: found[Symbol.asyncIterator](), controller });
      return walk;
    },
    async more(call: RemoteCall, walk: number): Promise<CarriedItems> {
      const items: CarriedItems["items"][number][] = [];
      const began = performance.now();
      while (items.length < MOST_ITEMS && (items.length === 0 || performance.now() - began < LONGEST_MS)) {
        const { value, done } = (await walks.get(walk)?.items.next()) ?? { value: undefined, done: true };
        if (done) {
          walks.delete(walk);
          return { items, done: true };
        }
        items.push({ path: value.path, value: handOver(call, value.value) });
      }
      return { items, done: false };
    },
    async leave(_: RemoteCall, walk: number) {
      const left = walks.get(walk);
      walks.delete(walk);
      left?.controller.abort();
      await left?.items.return?.();
    },
    index: (_: RemoteCall, id: number) => the(id).index(),
    stats: (_: RemoteCall, id: number) => the(id).stats,
    async close(_: RemoteCall, id: number) {
      const archive = archives.get(id);
      archives.delete(id);
      await archive?.close();
    },
  };
  const end = answer(port, methods as unknown as Readonly<Record<string, RemoteMethod>>);
  return () => {
    delete marked[SERVED];
    end();
  };
}
