import type {
  ByteRange,
  CachedObject,
  CachedPiece,
  PersistentCache,
  PersistentCacheOptions,
} from "@peekpack/core";
import { disposable } from "@peekpack/core/internal";

const MiB = 2 ** 20;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Maximum size of a piece in bytes: the unit of eviction. It also bounds the search for the pieces that overlap a range. */
export const MAX_PIECE_BYTES: number = MiB;

/** A cache for `await using`. */
export interface DisposableCache extends PersistentCache {
  /** Waits for the writes, and calls `close`. Missing in browsers without `Symbol.asyncDispose`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Bounds of a cache. */
export interface CacheBounds {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** The pieces of a cache, in files or in a database. */
export interface PieceStore {
  latest(label: string): Promise<CachedObject | undefined>;
  see(object: CachedObject): Promise<void>;
  read(object: CachedObject, range: ByteRange): Promise<CachedPiece[]>;
  /** Stores one piece. Evicts others if the cache is full. Calls do not overlap. */
  write(object: CachedObject, start: number, bytes: Uint8Array): Promise<void>;
  size(): Promise<number>;
  clear(label?: string): Promise<void>;
  /** Whether a test write succeeds. */
  probe(): Promise<boolean>;
  close?(): void;
}

/**
 * Makes a cache of ranges, which it splits into pieces.
 * @throws RangeError if `maxBytes` or `maxAgeMs` is not positive
 */
export function pieceCache(
  { maxBytes = 256 * MiB, maxAgeMs = 30 * DAY_MS }: PersistentCacheOptions,
  open: (bounds: CacheBounds) => PieceStore,
): DisposableCache {
  if (!(maxBytes > 0)) throw new RangeError("maxBytes is a positive number.");
  if (!(maxAgeMs > 0)) throw new RangeError("maxAgeMs is a positive number.");
  const pieces = open({ maxBytes, maxAgeMs });
  /** Writes run one at a time, so that each knows the current size. */
  let last: Promise<unknown> = Promise.resolve();
  const cache = {
    latest: (label: string) => pieces.latest(label),
    see: (object: CachedObject) => pieces.see(object),
    read: (object: CachedObject, range: ByteRange) => pieces.read(object, range),
    write(object: CachedObject, { start, bytes }: CachedPiece) {
      const written = last.then(async () => {
        // It would evict everything, and then its own beginning.
        if (bytes.length > maxBytes) return;
        for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
          await pieces.write(object, start + at, bytes.subarray(at, at + MAX_PIECE_BYTES));
        }
      });
      last = written.catch(() => {});
      return written;
    },
    available: () => pieces.probe().catch(() => false),
    size: () => pieces.size().catch(() => 0),
    clear: (label?: string) => pieces.clear(label),
    close: () => pieces.close?.(),
    async end() {
      await last;
      pieces.close?.();
    },
  };
  return disposable<DisposableCache, "end">(cache, "end");
}
