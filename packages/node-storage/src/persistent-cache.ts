import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { PersistentCache, PersistentCacheOptions } from "@peekpack/core";
import { RangeFiles } from "./range-files.js";

const MiB = 2 ** 20;
const DAY_MS = 24 * 60 * 60 * 1000;
/** No file is longer: what is used stays, and what is not goes, by so much at a time. */
const LONGEST = MiB;

/** Where ranges are kept unless told otherwise: below XDG_CACHE_HOME, else below `.cache` of the user's own directory. */
export function defaultCacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "peekpack", "ranges");
}

/**
 * A cache of ranges on disk, for `withRangeCache`: shared by all processes that name the same directory, keyed by label and
 * version of the object, and checked when it is read. It never fails a read: what the disk refuses is not kept. Files can be
 * read by this user only. Processes that write at the same time may exceed `maxBytes` until the next of them looks.
 *
 * @example
 * const cache = persistentCache({ maxBytes: 2 ** 30 });
 * const archive = await openArchive(withRangeCache(store.source("bucket/key"), cache));
 *
 * @throws RangeError, TypeError for options that are none
 */
export function persistentCache(options: PersistentCacheOptions = {}): PersistentCache {
  const { maxBytes = 256 * MiB, maxAgeMs = 30 * DAY_MS, directory = defaultCacheDirectory() } = options;
  if (!(maxBytes > 0)) throw new RangeError("maxBytes is a positive number.");
  if (!(maxAgeMs > 0)) throw new RangeError("maxAgeMs is a positive number.");
  const files = new RangeFiles(resolve(directory), { maxBytes, maxAgeMs });
  /** Writes follow one another, so that each knows what there is. */
  let last: Promise<unknown> = Promise.resolve();

  /** What a cache cannot do must never be the reader's trouble. */
  const quietly = async <T>(step: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await step();
    } catch {
      return otherwise;
    }
  };

  return {
    latest: (label) => quietly(() => files.latest(label), undefined),
    see: (object) => quietly(() => files.see(object), undefined),
    read: (object, range) => quietly(() => files.read(object, range), []),
    write(object, { start, bytes }) {
      const work = async (): Promise<void> => {
        if (bytes.length > maxBytes) return;
        for (let at = 0; at < bytes.length; at += LONGEST) {
          await files.write(object, start + at, bytes.subarray(at, at + LONGEST));
        }
      };
      const written = last.then(() => quietly(work, undefined));
      last = written;
      return written;
    },
    available: () => quietly(() => files.probe(), false),
    size: () => quietly(() => files.size(), 0),
    clear: (label) => files.clear(label),
    close() {},
  };
}
