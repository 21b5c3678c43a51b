import { disposable } from "../disposable.js";
import { isPeekpackError } from "../errors.js";
import { AbortListeners } from "./abort-listeners.js";
import type { ByteRange } from "./byte-range.js";
import type { ClosableSource, Probe, ProbeRequest, RangeSource, ReadOptions } from "./range-source.js";
import { requestEvent } from "./request-event.js";
import { checkRanges, closedSource } from "./source-error.js";

/** One state of one object: the key of cached ranges. */
export interface CachedObject {
  /** Label of the source. */
  readonly label: string;
  /** ETag or version id, as the source reported it. */
  readonly version: string;
  /** Size of the object in bytes. */
  readonly size: number;
}

/** Consecutive bytes of an object in a cache. */
export interface CachedPiece {
  /** Offset of the first byte in the object. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

/**
 * Stores ranges beyond the life of a page or a process. It checks what it returns: torn or damaged bytes count as missing. A read
 * that rejects counts as a miss. A write that rejects is ignored.
 */
export interface RangeCache {
  /** The state of an object that was recorded last. */
  latest(label: string): Promise<CachedObject | undefined>;
  /** Records the current state of an object. */
  see(object: CachedObject): Promise<void>;
  /** The cached parts of a range, ascending. Pieces may overlap, and extend beyond the range. */
  read(object: CachedObject, range: ByteRange): Promise<readonly CachedPiece[]>;
  /** Stores bytes. It copies or writes them before it resolves. */
  write(object: CachedObject, piece: CachedPiece): Promise<void>;
}

/** Options of a persistent cache. */
export interface PersistentCacheOptions {
  /** Maximum number of cached bytes. The least recently used are evicted first. Default 256 MiB. */
  readonly maxBytes?: number | undefined;
  /** Bytes that were not used for this long are evicted too, in milliseconds. Default 30 days. */
  readonly maxAgeMs?: number | undefined;
  /**
   * All caches of one directory share their ranges. In a browser a name for all tabs and workers, by default 'peekpack-cache'; in
   * Node a path for all processes.
   */
  readonly directory?: string | undefined;
}

/** A {@link RangeCache} in a browser or on a disk. */
export interface PersistentCache extends RangeCache {
  /** Whether anything can be stored. A test write decides, as some private windows and disks refuse. If false, every read is a miss. */
  available(): Promise<boolean>;
  /** Number of cached bytes, without overhead. */
  size(): Promise<number>;
  /** Removes the cached ranges of one object, or all. */
  clear(label?: string): Promise<void>;
  /** Closes open files and connections. The next use opens them again. */
  close(): void;
}

/** How a cache is used. */
export interface RangeCacheOptions {
  /**
   * Whether the first contact asks the server for the object's version. Default true: one small request, then cached ranges cause
   * no request. If the server cannot be reached, cached ranges are served. false: cached ranges are served at once, even if they
   * are out of date.
   */
  readonly revalidate?: boolean | undefined;
}

/** Maximum number of bytes in writes that have not finished. Further writes are dropped, so that a slow cache cannot fill the memory. */
const maxPendingWriteBytes = 32 * 1024 * 1024;

/**
 * Serves ranges from a cache, also offline and in later pages or processes. Reads missing ranges from `source` and stores them.
 * Cached ranges are used only for the version they were read from. Objects without a version are not cached. A cache that fails
 * only costs requests.
 *
 * @example
 * const archive = await openArchive(withRangeCache(httpSource(url), cache));
 */
export function withRangeCache(
  source: RangeSource,
  cache: RangeCache,
  options: RangeCacheOptions = {},
): ClosableSource {
  const { label, limiter } = source;
  const { revalidate = true } = options;
  const listeners = new AbortListeners();
  /** The state that the source is pinned to. `null`: it has no version, and nothing can be cached. */
  let object: CachedObject | null | undefined;
  let identifying: Promise<unknown> | undefined;
  let closed = false;
  /** Writes in progress, which `close` waits for. */
  const writes = new Set<Promise<void>>();
  let pendingWriteBytes = 0;

  const assertOpen = ({ signal }: ReadOptions): void => {
    signal?.throwIfAborted();
    if (closed) throw closedSource(label);
  };

  const write = (bytes: number, work: () => Promise<void>): void => {
    if (pendingWriteBytes + bytes > maxPendingWriteBytes) return;
    pendingWriteBytes += bytes;
    const pending = orElse(work, undefined).finally(() => {
      pendingWriteBytes -= bytes;
      writes.delete(pending);
    });
    writes.add(pending);
  };

  const store = (state: CachedObject, start: number, bytes: Uint8Array): void => {
    if (bytes.length > 0) write(bytes.length, () => cache.write(state, { start, bytes }));
  };

  const lookUp = async (state: CachedObject, range: ByteRange): Promise<Lookup> => {
    const { start, end } = range;
    const pieces = start < end ? await orElse(() => cache.read(state, range), []) : [];
    const bytes = new Uint8Array(pieces.length > 0 ? end - start : 0);
    const holes: ByteRange[] = [];
    let position = start;
    for (const piece of pieces) {
      const pieceEnd = Math.min(end, piece.start + piece.bytes.length);
      if (pieceEnd <= position) continue;
      if (piece.start > position) holes.push({ start: position, end: piece.start });
      const from = Math.max(position, piece.start);
      bytes.set(piece.bytes.subarray(from - piece.start, pieceEnd - piece.start), from - start);
      position = pieceEnd;
    }
    if (position < end) holes.push({ start: position, end });
    return { bytes, holes };
  };

  /** The probe from the cache, if the cache has all of it. */
  const cachedProbe = async (
    state: CachedObject | undefined,
    want: { readonly head: number; readonly tail: number },
  ): Promise<Probe | undefined> => {
    if (!state) return undefined;
    const { size, version } = state;
    const [head, tail] = await Promise.all([
      lookUp(state, { start: 0, end: Math.min(want.head, size) }),
      lookUp(state, { start: Math.max(0, size - want.tail), end: size }),
    ]);
    if (head.holes.length + tail.holes.length > 0) return undefined;
    return { size, version, head: head.bytes, tail: tail.bytes };
  };

  const probe = async (want: ProbeRequest, read: ReadOptions): Promise<Probe> => {
    const startedAt = performance.now();
    const known =
      object === undefined ? await orElse(() => cache.latest(label), undefined) : (object ?? undefined);
    const cached = await cachedProbe(known, want);
    read.signal?.throwIfAborted();
    const serve = (): Probe => {
      source.pin?.(known!);
      object = known;
      const { size, head, tail } = cached!;
      for (const [start, { length: bytes }] of [
        [0, head],
        [size - tail.length, tail],
      ] as const) {
        if (bytes === 0) continue;
        const range = { start, end: start + bytes };
        read.onRequest?.(requestEvent(label, read, startedAt, { range, bytes, from: "cache" }));
      }
      return cached!;
    };
    if (cached && !revalidate) return serve();
    let probed: Probe;
    try {
      // Asks only for the version if the cache has the rest.
      probed = await source.probe(cached ? { head: 0, tail: 0 } : want, read);
    } catch (error) {
      if (!cached || read.signal?.aborted || !isPeekpackError(error) || error.code !== "network") throw error;
      return serve();
    }
    const { size, version } = probed;
    if (cached && version === known!.version && size === known!.size) return serve();
    if (cached) probed = await source.probe(want, read);
    if (version === undefined) {
      object = null;
    } else {
      const state = { label, version, size };
      object = state;
      write(0, () => cache.see(state));
      store(state, 0, probed.head);
      store(state, size - probed.tail.length, probed.tail);
    }
    return probed;
  };

  /** Finds the state of the object. All reads share one probe. */
  const identify = async (read: ReadOptions): Promise<void> => {
    identifying ??= probe({ head: 0, tail: 0 }, { ...read, signal: undefined, reason: "open" }).finally(
      () => {
        identifying = undefined;
      },
    );
    await listeners.untilAborted(identifying, read.signal);
  };

  return disposable<ClosableSource>({
    label,
    limiter,
    async probe(want, options) {
      const read: ReadOptions = { reason: "open", ...options };
      assertOpen(read);
      return listeners.withAbort(read.signal, ({ signal }) => probe(want, { ...read, signal }));
    },
    async read(ranges, read = {}) {
      assertOpen(read);
      checkRanges(label, ranges, object?.size);
      if (ranges.length === 0) return [];
      if (object === undefined) await identify(read);
      const state = object;
      if (!state) return source.read(ranges, read);
      checkRanges(label, ranges, state.size);
      const startedAt = performance.now();
      const found = await listeners.untilAborted(
        Promise.all(ranges.map((range) => lookUp(state, range))),
        read.signal,
      );
      const holes = found.flatMap((lookup) => lookup.holes);
      const rest = holes.length > 0 ? await source.read(holes, read) : [];
      assertOpen(read);
      for (const [i, hole] of holes.entries()) store(state, hole.start, rest[i]!);
      let next = 0;
      return ranges.map((range, i) => {
        const { bytes, holes } = found[i]!;
        if (bytes.length === 0) return holes.length > 0 ? rest[next++]! : bytes;
        let cachedBytes = bytes.length;
        for (const { start, end } of holes) {
          bytes.set(rest[next++]!, start - range.start);
          cachedBytes -= end - start;
        }
        if (cachedBytes > 0) {
          const details = { range, bytes: cachedBytes, from: "cache" } as const;
          read.onRequest?.(requestEvent(label, read, startedAt, details));
        }
        return bytes;
      });
    },
    ...(source.pin && {
      pin(state) {
        source.pin!(state);
        const { size = object?.size, version = object?.version } = state;
        if (version !== undefined && size !== undefined) object = { label, version, size };
      },
    }),
    // A changed object must be seen as it is now.
    ...(source.reopen && { reopen: () => withRangeCache(source.reopen!(), cache, { revalidate: true }) }),
    async close() {
      closed = true;
      await Promise.all(writes);
      await source.close?.();
    },
  });
}

/** The parts of a range that the cache has. */
interface Lookup {
  /** As long as the range, with zeros in the holes; empty if the cache has no part of the range. */
  readonly bytes: Uint8Array;
  /** The parts that the cache does not have. */
  readonly holes: readonly ByteRange[];
}

/** The result of `work`, or `fallback` if it throws or rejects. */
async function orElse<T>(work: () => Promise<T>, fallback: T): Promise<T> {
  try {
    return await work();
  } catch {
    return fallback;
  }
}
