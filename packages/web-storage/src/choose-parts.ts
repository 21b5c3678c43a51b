import { isPeekpackError, PeekpackError } from "@peekpack/core";
import type { Database } from "./database.js";
import { indexedDbParts } from "./indexeddb-parts.js";
import {
  type FileWriter,
  opfsParts,
  packagedWorker,
  streamWriter,
  syncAccess,
  syncWriter,
  workerWriter,
} from "./opfs-parts.js";
import type { PartStorage, PartStore } from "./part-store.js";

/** Where parts are to be kept. */
export interface StorageChoice {
  /**
   * `auto` (default): in the origin private file system (OPFS), and in IndexedDB where the browser refuses it, as in some
   * private windows: found out by writing.
   */
  readonly storage?: "auto" | PartStorage | undefined;
  /**
   * How OPFS files are written. Default: through a sync access handle in a dedicated worker of this package, or in this
   * one; where that cannot be had, by createWritable. A function gives the worker (`@peekpack/web-storage/opfs-worker`)
   * where a bundler does not find it; `false` never makes one.
   */
  readonly worker?: (() => Worker) | false | undefined;
}

// Longer than a worker takes to start on a slow phone; a script that the server answers with a page never starts.
const PROBE_MS = 10_000;

/**
 * Finds out where parts can be kept, by writing one of the spool `id`, whose lock the caller holds.
 * @throws PeekpackError `denied` when the browser refuses all of it, or what `storage` demands; `quota` when there is no room
 */
export async function chooseParts(
  directory: string,
  id: string,
  database: Database,
  { storage = "auto", worker = packagedWorker }: StorageChoice,
): Promise<PartStore> {
  const refusals: unknown[] = [];
  if (storage !== "indexeddb") {
    for (const make of fileWriters(worker)) {
      let writer: FileWriter | undefined;
      try {
        writer = make();
        const parts = opfsParts(directory, writer);
        await inTime(probe(parts, id));
        return parts;
      } catch (error) {
        writer?.close();
        if (isPeekpackError(error) && error.code === "quota") throw error;
        refusals.push(error);
      }
    }
  }
  if (storage !== "opfs") {
    try {
      const parts = indexedDbParts(database);
      await probe(parts, id);
      return parts;
    } catch (error) {
      if (isPeekpackError(error) && error.code === "quota") throw error;
      refusals.push(error);
    }
  }
  const tried = { auto: "neither OPFS nor IndexedDB", opfs: "not OPFS", indexeddb: "not IndexedDB" }[storage];
  throw new PeekpackError("denied", `The browser lets this origin keep nothing: ${tried}.`, {
    section: "spool",
    cause: refusals.at(-1),
  });
}

/** The store that a spool was written to, for reading and removing. */
export function openParts(directory: string, database: Database, storage: PartStorage): PartStore {
  return storage === "opfs" ? opfsParts(directory, streamWriter()) : indexedDbParts(database);
}

function fileWriters(worker: (() => Worker) | false): (() => FileWriter)[] {
  const sync = syncAccess();
  if (sync === "here") return [syncWriter, streamWriter];
  return sync === "worker" && worker !== false ? [() => workerWriter(worker), streamWriter] : [streamWriter];
}

/** Writes, reads and removes a part. A refusal may show only then. */
async function probe(parts: PartStore, id: string): Promise<void> {
  try {
    const writer = await parts.begin(id, 1);
    await writer.append(Uint8Array.of(80, 101, 101, 107));
    await writer.seal();
    const read = await parts.read(id, 1, 1, 3);
    if (read.length !== 2 || read[0] !== 101) {
      throw new PeekpackError("denied", "What was written cannot be read.", { section: "spool" });
    }
  } finally {
    await parts.removeAll(id).catch(() => {});
  }
}

function inTime<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new PeekpackError("denied", "The storage does not answer.", { section: "spool" })),
      PROBE_MS,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
