import { isPeekpackError } from "../errors.js";
import { withAbort } from "./abort.js";
import type { ByteRange, Probe, RangeSource, ReadOptions } from "./range-source.js";
import { requestEvent } from "./request-event.js";
import { checkRanges, closedSource } from "./source-error.js";

/** One state of one object, as a cache tells them apart. */
export interface CachedObject {
  /** Label of the source. */
  readonly label: string;
  /** ETag or version id, as the source gave it. */
  readonly version: string;
  /** Size of the object in bytes. */
  readonly size: number;
}

/** Consecutive bytes of an object that a cache has. */
export interface CachedPiece {
  /** Offset of the first byte in the object. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

/**
 * Where ranges that were read are kept beyond the life of a page or a process. What it gives it has checked: bytes that were
 * torn or harmed are as good as absent. It never rejects: what cannot be read is not there, what cannot be written is dropped.
 */
export interface RangeCache {
  /** The state of an object that was seen last. */
  latest(label: string): Promise<CachedObject | undefined>;
  /** Notes that an object is in this state now. */
  see(object: CachedObject): Promise<void>;
  /** What there is of a range, ascending; pieces may overlap, and reach beyond the range. */
  read(object: CachedObject, range: ByteRange): Promise<readonly CachedPiece[]>;
  /** Keeps bytes, which it copies or writes before it resolves. */
  write(object: CachedObject, piece: CachedPiece): Promise<void>;
}

/** How much a cache keeps that outlives pages and processes, for how long, and where. */
export interface PersistentCacheOptions {
  /** The most bytes that are kept; what was not used for longest goes first. Default 256 MiB. */
  readonly maxBytes?: number | undefined;
  /** What was not used for so long goes as well, in milliseconds. Default 30 days. */
  readonly maxAgeMs?: number | undefined;
  /**
   * What is kept is shared by all caches of one directory: in a browser a name, by default 'peekpack-cache', for all tabs and
   * workers; in Node a path, for all processes.
   */
  readonly directory?: string | undefined;
}

/** Ranges of objects, kept in a browser or on a disk. */
export interface PersistentCache extends RangeCache {
  /** Whether anything is kept, found out by writing: some private windows refuse, and some disks. Without it every read is a miss. */
  available(): Promise<boolean>;
  /** What is kept now: bytes of ranges, without their administration. */
  size(): Promise<number>;
  /** Removes all that is kept, of one object or of all. */
  clear(label?: string): Promise<void>;
  /** Lets go of what the cache has open. The next use opens it again. */
  close(): void;
}

/** How a cache is used. */
export interface RangeCacheOptions {
  /**
   * Whether first contact asks the server for the object's version. Default true: one small request, and none of what is
   * kept is asked for again; without an answer what is kept serves. false: what is kept serves at once, also when it is out of date.
   */
  readonly revalidate?: boolean | undefined;
}

/**
 * Answers from a cache what was read before, also in an earlier page or process, and offline; reads the rest from `source`
 * and keeps it. What is kept counts only for the version that it was read from. Objects without a version are not kept.
 *
 * @example
 * const archive = await openArchive(withRangeCache(httpSource(url), cache));
 */
export function withRangeCache(
  source: RangeSource,
  cache: RangeCache,
  options: RangeCacheOptions = {},
): RangeSource {
  const { label, limiter } = source;
  const { revalidate = true } = options;
  /** The state that the source is held to. `null`: it has no version, and nothing can be kept. */
  let object: CachedObject | null | undefined;
  let contact: Promise<unknown> | undefined;
  let closed = false;
  /** Writes under way, which `close` waits for. */
  const writing = new Set<Promise<void>>();

  const open = ({ signal }: ReadOptions): void => {
    signal?.throwIfAborted();
    if (closed) throw closedSource(label);
  };

  const later = (work: Promise<void>): void => {
    const write = work.finally(() => writing.delete(write));
    writing.add(write);
  };

  const keep = (of: CachedObject, start: number, bytes: Uint8Array): void => {
    if (bytes.length > 0) later(cache.write(of, { start, bytes }));
  };

  /** A range of which some may be there: its bytes, as far as they are, and what is missing. */
  const look = async (of: CachedObject, range: ByteRange): Promise<Assembly> => {
    const { start, end } = range;
    const pieces = start < end ? await cache.read(of, range) : [];
    const bytes = new Uint8Array(pieces.length > 0 ? end - start : 0);
    const holes: ByteRange[] = [];
    let at = start;
    for (const piece of pieces) {
      const last = Math.min(end, piece.start + piece.bytes.length);
      if (last <= at) continue;
      if (piece.start > at) holes.push({ start: at, end: piece.start });
      const from = Math.max(at, piece.start);
      bytes.set(piece.bytes.subarray(from - piece.start, last - piece.start), from - start);
      at = last;
    }
    if (at < end) holes.push({ start: at, end });
    return { bytes, holes };
  };

  /** First contact as the cache has it, where it has all that is wanted. */
  const remembered = async (
    of: CachedObject | undefined,
    want: { readonly head: number; readonly tail: number },
  ): Promise<Probe | undefined> => {
    if (!of) return undefined;
    const { size, version } = of;
    const [head, tail] = await Promise.all([
      look(of, { start: 0, end: Math.min(want.head, size) }),
      look(of, { start: Math.max(0, size - want.tail), end: size }),
    ]);
    if (head.holes.length + tail.holes.length > 0) return undefined;
    return { size, version, head: head.bytes, tail: tail.bytes };
  };

  const probe = async (want: { head: number; tail: number }, read: ReadOptions): Promise<Probe> => {
    const startedAt = performance.now();
    const known = object === undefined ? await cache.latest(label) : (object ?? undefined);
    const kept = await remembered(known, want);
    read.signal?.throwIfAborted();
    const serve = (): Probe => {
      source.pin?.(known!);
      object = known;
      const { size, head, tail } = kept!;
      for (const [start, { length: bytes }] of [
        [0, head],
        [size - tail.length, tail],
      ] as const) {
        if (bytes === 0) continue;
        const range = { start, end: start + bytes };
        read.onRequest?.(requestEvent(label, read, startedAt, { range, bytes, from: "cache" }));
      }
      return kept!;
    };
    if (kept && !revalidate) return serve();
    let found: Probe;
    try {
      // The version is all that is missing: the rest is asked for only where that is another.
      found = await source.probe(kept ? { head: 0, tail: 0 } : want, read);
    } catch (error) {
      if (!kept || read.signal?.aborted || !isPeekpackError(error) || error.code !== "network") throw error;
      return serve();
    }
    const { size, version } = found;
    if (kept && version === known!.version && size === known!.size) return serve();
    if (kept) found = await source.probe(want, read);
    if (version === undefined) {
      object = null;
    } else {
      const of = { label, version, size };
      object = of;
      later(cache.see(of));
      keep(of, 0, found.head);
      keep(of, size - found.tail.length, found.tail);
    }
    return found;
  };

  /** Finds the state out where nothing has yet. All reads wait for one first contact. */
  const identify = async (read: ReadOptions): Promise<void> => {
    contact ??= probe({ head: 0, tail: 0 }, { ...read, signal: undefined, reason: "open" }).finally(() => {
      contact = undefined;
    });
    const shared = contact;
    await withAbort(read.signal, () => shared);
  };

  return {
    label,
    limiter,
    async probe(want, given) {
      const read: ReadOptions = { reason: "open", ...given };
      open(read);
      return withAbort(read.signal, ({ signal }) => probe(want, { ...read, signal }));
    },
    async read(ranges, read = {}) {
      open(read);
      checkRanges(label, ranges, object?.size);
      if (ranges.length === 0) return [];
      if (object === undefined) await identify(read);
      const of = object;
      if (!of) return source.read(ranges, read);
      checkRanges(label, ranges, of.size);
      const startedAt = performance.now();
      const found = await withAbort(read.signal, () => Promise.all(ranges.map((range) => look(of, range))));
      const holes = found.flatMap((assembly) => assembly.holes);
      const rest = holes.length > 0 ? await source.read(holes, read) : [];
      open(read);
      for (const [i, hole] of holes.entries()) keep(of, hole.start, rest[i]!);
      let next = 0;
      return ranges.map((range, i) => {
        const { bytes, holes } = found[i]!;
        if (bytes.length === 0) return holes.length > 0 ? rest[next++]! : bytes;
        let given = bytes.length;
        for (const { start, end } of holes) {
          bytes.set(rest[next++]!, start - range.start);
          given -= end - start;
        }
        if (given > 0) {
          read.onRequest?.(requestEvent(label, read, startedAt, { range, bytes: given, from: "cache" }));
        }
        return bytes;
      });
    },
    pin(state) {
      source.pin?.(state);
      const { size = object?.size, version = object?.version } = state;
      if (version !== undefined && size !== undefined) object = { label, version, size };
    },
    // What has changed must be seen as it is now.
    ...(source.reopen && { reopen: () => withRangeCache(source.reopen!(), cache, { revalidate: true }) }),
    async close() {
      closed = true;
      await Promise.all(writing);
      await source.close?.();
    },
  };
}

interface Assembly {
  /** As long as the range, zero where holes are; empty where nothing of it is there. */
  readonly bytes: Uint8Array;
  readonly holes: readonly ByteRange[];
}
