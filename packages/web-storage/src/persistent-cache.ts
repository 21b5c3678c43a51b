import type { PersistentCache, PersistentCacheOptions } from "@peekpack/core";
import { disposable } from "@peekpack/core/internal";
import { type CacheIndex, cacheIndex } from "./cache-index.js";

const MiB = 2 ** 20;
const DAY_MS = 24 * 60 * 60 * 1000;
// A bound on the length of pieces bounds the search for those that overlap a range.
const MAX_PIECE_BYTES = MiB;

/** A cache for `await using`. */
export interface DisposableCache extends PersistentCache {
  /** Calls `close`. Missing in browsers without `Symbol.asyncDispose`. */
  [Symbol.asyncDispose](): Promise<void>;
}

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
  const { maxBytes = 256 * MiB, maxAgeMs = 30 * DAY_MS, directory = "peekpack-cache" } = options;
  if (!(maxBytes > 0)) throw new RangeError("maxBytes is a positive number.");
  if (!(maxAgeMs > 0)) throw new RangeError("maxAgeMs is a positive number.");
  const index: CacheIndex = cacheIndex(directory, { maxBytes, maxAgeMs, maxPieceBytes: MAX_PIECE_BYTES });

  return disposable<DisposableCache>({
    latest: (label) => index.latest(label),
    see: (object) => index.see(object),
    read: (object, range) => index.read(object, range),
    async write(object, { start, bytes }) {
      for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
        await index.write(object, start + at, bytes.slice(at, at + MAX_PIECE_BYTES));
      }
    },
    available: () => index.probe().catch(() => false),
    size: () => index.size().catch(() => 0),
    clear: (label) => index.clear(label),
    close: () => index.close(),
  });
}
