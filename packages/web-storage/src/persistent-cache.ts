import type { PersistentCacheOptions } from "@peekpack/core";
import { type DisposableCache, pieceCache } from "@peekpack/s3/internal";
import { cacheIndex } from "./cache-index.js";

/**
 * Caches ranges in IndexedDB, for `withRangeCache`. All tabs and workers of the origin share the cache. Entries are keyed by
 * label and version of the object, and checked on each read.
 *
 * @example
 * const cache = persistentCache({ maxBytes: 64 * 2 ** 20 });
 * const archive = await openArchive(withRangeCache(httpSource(url), cache));
 *
 * @throws RangeError if `maxBytes` or `maxAgeMs` is not positive
 */
export function persistentCache(options: PersistentCacheOptions = {}): DisposableCache {
  const { directory = "peekpack-cache" } = options;
  return pieceCache(options, (bounds) => cacheIndex(directory, bounds));
}
