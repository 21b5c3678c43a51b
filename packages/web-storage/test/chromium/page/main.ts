/** A page with the spools of a browser. Node calls them through `contract.call`. */
import type { TableSpill } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import {
  discardUpload,
  exportUpload,
  type PendingUpload,
  pendingUploads,
  resumeUpload,
  type SpoolSink,
  type SpoolSinkOptions,
  spoolSink,
} from "../../../src/index.js";
import {
  type Outcome,
  outcomeOf,
  pack,
  resultOf,
  type SharedObject,
  type SharedSignal,
  unpack,
} from "../outcome.js";

declare global {
  /** Calls a method of an object that Node shares. */
  function callShared(shared: number, method: string, args: readonly unknown[]): Promise<Outcome>;
  var contract: { call(name: string, args: readonly unknown[]): Promise<Outcome> };
}

const signals = new Map<number, AbortController>();
const sinks: SpoolSink[] = [];
const spills: TableSpill[] = [];
const worker = (): Worker =>
  new Worker(new URL("../../../src/opfs-worker.ts", import.meta.url), { type: "module" });

/** Makes what Node shares usable here. */
function received(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("base64" in value) return unpack(value);
  if ("shared" in value) return objectOf(value as SharedObject);
  if ("signal" in value && typeof value.signal === "number") return signalOf(value as SharedSignal);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, received(inner)]));
}

function signalOf({ signal, aborted }: SharedSignal): AbortSignal {
  const controller = new AbortController();
  signals.set(signal, controller);
  if (aborted) controller.abort(aborted.reason);
  return controller.signal;
}

function objectOf({ shared, fields, methods }: SharedObject): object {
  const call = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    const { signal, ...options } = (args.at(-1) ?? {}) as { readonly signal?: AbortSignal };
    const sent = signal === undefined ? args : [...args.slice(0, -1), options];
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      callShared(shared, method, sent.map(pack)).then(resultOf).then(resolve, reject);
    });
  };
  const calls = methods.map((method) => [method, (...args: unknown[]) => call(method, args)] as const);
  return { ...fields, ...Object.fromEntries(calls) };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function withStore<T>(
  directory: string,
  name: string,
  work: (store: IDBObjectStore) => Promise<T>,
): Promise<T> {
  const request = indexedDB.open(`peekpack-spool/${directory}`);
  // A database that does not exist must not come into being without its stores.
  request.onupgradeneeded = () => request.transaction!.abort();
  const database = await settled(request);
  try {
    return await work(database.transaction(name, "readwrite").objectStore(name));
  } finally {
    database.close();
  }
}

function changeHead({ directory, id }: PendingUpload, change: (record: StoredHead) => object): Promise<void> {
  return withStore(directory, "journal", async (store) => {
    await settled(store.put(change(await settled(store.get([id]))), [id]));
  });
}

interface StoredHead {
  readonly layout: number;
  readonly text: string;
}

async function spoolsDirectory(directory: string): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(directory, { create: true });
}

const methods = {
  sink: (target: UploadTarget, options: SpoolSinkOptions) =>
    sinks.push(spoolSink(target, { ...options, worker })) - 1,
  write: (sink: number, chunk: Uint8Array) => sinks[sink]!.write(chunk),
  spill: async (sink: number) => spills.push(await sinks[sink]!.spill!()) - 1,
  spillWrite: (spill: number, bytes: Uint8Array, at: number) => spills[spill]!.write(bytes, at),
  spillRead: (spill: number, start: number, end: number) => spills[spill]!.read(start, end),
  spillClose: (spill: number) => spills[spill]!.close(),
  finish: (sink: number, header: Uint8Array) => sinks[sink]!.finish(header),
  abort: (sink: number, reason: unknown) => sinks[sink]!.abort(reason),
  abortSignal: (signal: number, reason: unknown) => signals.get(signal)?.abort(reason),
  pendingUploads,
  resumeUpload,
  exportUpload,
  discardUpload,
  damageJournal: (pending: PendingUpload) =>
    changeHead(pending, (record) => ({ ...record, text: record.text.replace("s3://b", "s3://c") })),
  changeLayout: (pending: PendingUpload) => changeHead(pending, (record) => ({ ...record, layout: 3 })),
  async damageArchive({ directory, id, storage }: PendingUpload) {
    if (storage === "indexeddb") {
      await withStore(directory, "parts", async (store) => {
        const bytes: Uint8Array = await settled(store.get([id, 2]));
        bytes[1000]! ^= 4;
        await settled(store.put(bytes, [id, 2]));
      });
      return;
    }
    const file = await (await (await spoolsDirectory(directory)).getDirectoryHandle(id)).getFileHandle(
      "part-2",
    );
    const data = new Uint8Array(await (await file.getFile()).slice(1000, 1001).arrayBuffer());
    data[0]! ^= 4;
    const stream = await file.createWritable({ keepExistingData: true });
    await stream.write({ type: "write", position: 1000, data });
    await stream.close();
  },
  async leftovers(directory: string) {
    const left = new Set<string>();
    for await (const id of (await spoolsDirectory(directory)).keys()) left.add(id);
    for (const name of ["journal", "parts"]) {
      const keys = await withStore(directory, name, (store) => settled(store.getAllKeys())).catch(() => []);
      for (const key of keys) left.add((key as string[])[0]!);
    }
    return left.size;
  },
} satisfies Record<string, (...args: never[]) => unknown>;

globalThis.contract = {
  call: (name, args) =>
    outcomeOf(() =>
      (methods as Record<string, (...args: unknown[]) => unknown>)[name]!(...args.map(received)),
    ),
};
