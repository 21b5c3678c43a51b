/// <reference lib="esnext.disposable" preserve="true" />
import type { ByteRange } from "./byte-range.js";
import type { ReadReason, RequestListener } from "./request-event.js";
import type { RequestLimiter } from "./request-limiter.js";

export type { ByteRange } from "./byte-range.js";

/** Options of every read. */
export interface ReadOptions {
  /** Ends this caller's wait: the read rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  /** Queued requests of a higher priority are sent first. Default 0. */
  readonly priority?: number | undefined;
  /** Why the bytes are read. Events show it, and `open` and `toc` are cached apart from data. Default `data`. */
  readonly reason?: ReadReason | undefined;
  /** Called for every request that this read causes. Wrappers pass it on. */
  readonly onRequest?: RequestListener | undefined;
}

/** What is asked for at the first contact with an object. */
export interface ProbeRequest {
  /** How many of the first bytes. */
  readonly head: number;
  /** How many of the last bytes. */
  readonly tail: number;
  /** A longer tail, if the head asks for it. A source may ignore it. */
  readonly longTail?: LongTail | undefined;
}

/** A tail whose length is decided by the head of the object. */
export interface LongTail {
  /** The maximum number of the last bytes. */
  readonly bytes: number;
  /** How many of the last bytes are wanted, by the first bytes and the size of the object. */
  wanted(head: Uint8Array, size: number): number;
}

/** The result of the first contact with an object. */
export interface Probe {
  /** Size of the whole object in bytes. */
  size: number;
  /**
   * Identifies this state of the object: a strong ETag or a version id. Absent where the medium has none. A source that has
   * seen a version rejects later reads of another version with `changed`.
   */
  version?: string;
  /** The first bytes: as many as requested, or all there are. */
  head: Uint8Array;
  /**
   * The last bytes: as many as requested, or all there are. More, if a long tail was wanted. A compressed source gives fewer than
   * requested, but 8 KiB at least, rather than cause another request. May overlap `head`.
   */
  tail: Uint8Array;
}

/**
 * The one interface of every reader: the bytes of one object, by position. Implementations have no cursor, so any number of
 * reads can run at once. Wrappers (retry, scheduler, events …) take a RangeSource and are one.
 */
export interface RangeSource {
  /** Appears in messages and cache keys. Contains no credential and no query string. */
  readonly label: string;
  /** Whether reads cost next to nothing (memory, a file). Such a source needs no retries, no coalescing and no cache. */
  readonly local?: boolean | undefined;
  /** The queue that requests to this object's origin share. Without one, each read engine makes its own. */
  readonly limiter?: RequestLimiter | undefined;
  /**
   * Gets size and version, without a HEAD request, with the first `head` and the last `tail` bytes. If the head asks for
   * a long tail, that may come too.
   * @throws PeekpackError `not-found`, `denied`, `network`, `changed`, `closed`
   */
  probe(want: ProbeRequest, options?: ReadOptions): Promise<Probe>;
  /**
   * Reads every range: exactly `end - start` bytes each, in the order of `ranges`. The arrays may be views of shared memory; do
   * not write to them.
   * @throws PeekpackError `truncated` (the object ends before a range does), `not-found`, `denied`, `network`, `changed`, `closed`
   * @throws RangeError if a range is not `0 <= start <= end` in safe integers
   */
  read(ranges: readonly ByteRange[], options?: ReadOptions): Promise<Uint8Array[]>;
  /**
   * Makes a source of the same object that has seen no version yet, to continue after `changed`. This source keeps its version,
   * but frees its cached bytes and caches no more.
   */
  reopen?(): RangeSource;
  /**
   * Pins the state of the object, as if this source had seen it. Call it before the first read.
   * @throws PeekpackError `changed` if the source is pinned to another state already
   */
  pin?(state: { readonly size?: number | undefined; readonly version?: string | undefined }): void;
  /** Releases resources. Later reads reject with `closed`. */
  close?(): Promise<void>;
  /** Same as `close`, for `await using`. */
  [Symbol.asyncDispose]?(): Promise<void>;
}

/** A RangeSource that can be closed, also by `await using`. The sources and wrappers of this package are. */
export interface ClosableSource extends RangeSource {
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
