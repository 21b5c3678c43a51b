import {
  type ArchiveSource,
  httpSource,
  openArchive,
  type PersistentCacheOptions,
  withRangeCache,
} from "@peekpack/core";
import { persistentCache } from "./persistent-cache.js";
import { serveArchives } from "./serve-archives.js";

/** What the worker of this package opens. */
export interface WorkerOpening {
  readonly from: string | Blob | Uint8Array | ArrayBuffer;
  readonly cache?: PersistentCacheOptions | undefined;
}

/** Serves `workerArchive` in the worker of this package. */
export function serveOpenings(): void {
  serveArchives<WorkerOpening>(({ from, cache }, options) => {
    const source: ArchiveSource =
      typeof from === "string" && cache !== undefined
        ? withRangeCache(httpSource(from), persistentCache(cache))
        : from;
    return openArchive(source, options);
  });
}
