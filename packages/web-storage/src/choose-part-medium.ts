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
import type { PartMedium, PartStorage } from "./part-medium.js";

/** Where parts are stored. */
export interface StorageChoice {
  /**
   * `auto` (default): the origin private file system (OPFS); IndexedDB if the browser refuses OPFS, as in some private
   * windows. A test write decides.
   */
  readonly storage?: "auto" | PartStorage | undefined;
  /**
   * How OPFS files are written. Default: through a sync access handle, in a dedicated worker of this package or in this
   * worker; if that fails, by createWritable. A function creates the worker (`@peekpack/web-storage/opfs-worker`) if a
   * bundler does not find it; `false` never creates one.
   */
  readonly worker?: (() => Worker) | false | undefined;
}

// Longer than a worker takes to start on a slow phone. A script that the server replaces by a page never starts.
const PROBE_MS = 10_000;

/**
 * Chooses OPFS or IndexedDB by a test write, as the spool `id`, whose lock the caller holds.
 * @throws PeekpackError `denied` if the browser refuses both, or the one that `storage` names; `quota` if there is no room
 */
export async function chooseMedium(
  directory: string,
  id: string,
  database: Database,
  { storage = "auto", worker = packagedWorker }: StorageChoice,
): Promise<PartMedium> {
  const refusals: unknown[] = [];
  const attempt = async (work: () => Promise<PartMedium>): Promise<PartMedium | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (isPeekpackError(error) && error.code === "quota") throw error;
      refusals.push(error);
      return undefined;
    }
  };
  for (const makeWriter of storage === "indexeddb" ? [] : fileWriters(worker)) {
    const parts = await attempt(async () => {
      const writer = makeWriter();
      try {
        const parts = opfsParts(directory, writer);
        await withTimeout(probe(parts, id));
        return parts;
      } catch (error) {
        writer.close();
        throw error;
      }
    });
    if (parts !== undefined) return noting(parts, refusals);
  }
  if (storage !== "opfs") {
    const parts = await attempt(async () => {
      const parts = indexedDbParts(database);
      await probe(parts, id);
      return parts;
    });
    if (parts !== undefined) return noting(parts, refusals);
  }
  const tried = { auto: "neither OPFS nor IndexedDB", opfs: "not OPFS", indexeddb: "not IndexedDB" }[storage];
  throw new PeekpackError("denied", `The browser lets this origin store nothing: ${tried}.`, {
    section: "spool",
    cause: refusals.at(-1),
  });
}

/** Adds what was refused before a medium was chosen. */
function noting(parts: PartMedium, refusals: readonly unknown[]): PartMedium {
  if (refusals.length === 0) return parts;
  const how =
    parts.storage === "opfs"
      ? "OPFS through createWritable"
      : "IndexedDB, each part in memory until it is complete";
  const reasons = refusals.map((error) => (error instanceof Error ? error.message : String(error)));
  return { ...parts, notice: `Parts were stored in ${how}. Before that failed: ${reasons.join(" ")}` };
}

/** Opens the store that a spool was written to, for reading and removing. */
export function openMedium(directory: string, database: Database, storage: PartStorage): PartMedium {
  return storage === "opfs" ? opfsParts(directory, streamWriter()) : indexedDbParts(database);
}

function fileWriters(worker: (() => Worker) | false): (() => FileWriter)[] {
  const sync = syncAccess();
  if (sync === "here") return [syncWriter, streamWriter];
  return sync === "worker" && worker !== false ? [() => workerWriter(worker), streamWriter] : [streamWriter];
}

/** Writes, reads and removes a part. Some browsers refuse only then. */
async function probe(parts: PartMedium, id: string): Promise<void> {
  try {
    const writer = await parts.begin(id, 1);
    await writer.append(Uint8Array.of(80, 101, 101, 107));
    await writer.seal();
    const read = await parts.read(id, 1, 1, 3);
    if (read.length !== 2 || read[0] !== 101) {
      throw new PeekpackError("denied", "The test write cannot be read back.", { section: "spool" });
    }
  } finally {
    await parts.removeAll(id).catch(() => {});
  }
}

function withTimeout<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new PeekpackError("denied", "The storage does not respond.", { section: "spool" })),
      PROBE_MS,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
