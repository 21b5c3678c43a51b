import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { PersistentCache, PersistentCacheOptions } from "@peekpack/core";
import { RangeFiles } from "./range-files.js";

const MiB = 2 ** 20;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Maximum size of a file: the unit of eviction. */
const MAX_PIECE_BYTES = MiB;

/** A cache for `await using`. */
export interface DisposableCache extends PersistentCache {
  /** Calls `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The default directory of cached ranges: below XDG_CACHE_HOME, else below `.cache` of the home directory. */
export function defaultCacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "peekpack", "ranges");
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
 */
export function persistentCache(options: PersistentCacheOptions = {}): DisposableCache {
  const { maxBytes = 256 * MiB, maxAgeMs = 30 * DAY_MS, directory = defaultCacheDirectory() } = options;
  if (!(maxBytes > 0)) throw new RangeError("maxBytes is a positive number.");
  if (!(maxAgeMs > 0)) throw new RangeError("maxAgeMs is a positive number.");
  const files = new RangeFiles(resolve(directory), { maxBytes, maxAgeMs });
  /** Writes run one at a time, so that each knows the current size. */
  let last: Promise<unknown> = Promise.resolve();

  return {
    latest: (label) => files.latest(label),
    see: (object) => files.see(object),
    read: (object, range) => files.read(object, range),
    write(object, { start, bytes }) {
      const written = last.then(async () => {
        if (bytes.length > maxBytes) return;
        for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
          await files.write(object, start + at, bytes.subarray(at, at + MAX_PIECE_BYTES));
        }
      });
      last = written.catch(() => {});
      return written;
    },
    available: () => files.probe().catch(() => false),
    size: () => files.size().catch(() => 0),
    clear: (label) => files.clear(label),
    close() {},
    async [Symbol.asyncDispose]() {
      await last;
    },
  };
}
