import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { PersistentCacheOptions } from "@peekpack/core";
import { type DisposableCache, pieceCache } from "@peekpack/s3/internal";
import { withSystemErrors } from "./file-error.js";
import { RangeFiles } from "./range-files.js";

/**
 * The default directory of cached ranges: below XDG_CACHE_HOME, else below `.cache` of the home directory.
 * @throws PeekpackError `denied` if Deno has no permission to find it
 */
export function defaultCacheDirectory(): string {
  return withSystemErrors("find the default directory of cached ranges", "source", () =>
    join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "peekpack", "ranges"),
  );
}

/**
 * Caches ranges on disk, for `withRangeCache`. All processes that name the same directory share the cache. Entries are keyed by
 * label and version of the object, and checked on each read. Only this user can read the files. Processes that write at the same
 * time may briefly exceed `maxBytes`.
 *
 * @example
 * const cache = persistentCache({ maxBytes: 2 ** 30 });
 * const archive = await openArchive(withRangeCache(store.source("bucket/key"), cache));
 *
 * @throws RangeError if `maxBytes` or `maxAgeMs` is not positive
 * @throws PeekpackError `denied` if Deno has no permission to find the default directory
 */
export function persistentCache(options: PersistentCacheOptions = {}): DisposableCache {
  const { directory = defaultCacheDirectory() } = options;
  return pieceCache(options, (bounds) => new RangeFiles(resolve(directory), bounds));
}
