import type { PersistentCache, PersistentCacheOptions } from "@peekpack/core";
import { type CacheIndex, cacheIndex } from "./cache-index.js";

const MiB = 2 ** 20;
const DAY_MS = 24 * 60 * 60 * 1000;
// No piece is longer, so that those that reach into a range lie at most so far before it.
const LONGEST = MiB;

/**
 * A cache of ranges in IndexedDB, for {@link withRangeCache}: shared by all tabs and workers of the origin, keyed by label
 * and version of the object, and checked when it is read. It never fails a read: what the browser refuses is not kept.
 *
 * @example
 * const cache = persistentCache({ maxBytes: 64 * 2 ** 20 });
 * const archive = await openArchive(withRangeCache(httpSource(url), cache));
 *
 * @throws RangeError, TypeError for options that are none
 */
export function persistentCache(options: PersistentCacheOptions = {}): PersistentCache {
  const { maxBytes = 256 * MiB, maxAgeMs = 30 * DAY_MS, directory = "peekpack-cache" } = options;
  if (!(maxBytes > 0)) throw new RangeError("maxBytes is a positive number.");
  if (!(maxAgeMs > 0)) throw new RangeError("maxAgeMs is a positive number.");
  const index: CacheIndex = cacheIndex(directory, { maxBytes, maxAgeMs, longest: LONGEST });

  /** What a cache cannot do must never be the reader's trouble. */
  const quietly = async <T>(step: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await step();
    } catch {
      return otherwise;
    }
  };

  return {
    latest: (label) => quietly(() => index.latest(label), undefined),
    see: (object) => quietly(() => index.see(object), undefined),
    read: (object, range) => quietly(() => index.read(object, range), []),
    write: (object, { start, bytes }) =>
      quietly(async () => {
        for (let at = 0; at < bytes.length; at += LONGEST) {
          await index.write(object, start + at, bytes.slice(at, at + LONGEST));
        }
      }, undefined),
    available: () => quietly(async () => index.probe(), false),
    size: () => quietly(() => index.size(), 0),
    clear: (label) => index.clear(label),
    close: () => index.close(),
  };
}
