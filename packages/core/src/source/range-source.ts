import type { ReadReason, RequestListener } from "./request-event.js";
import type { RequestLimiter } from "./request-limiter.js";

/** A half-open range of bytes: `start` is included, `end` is not. Both count from the object's first byte. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What may accompany every read. */
export interface ReadOptions {
  /** Ends this caller's wait; the read rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  /** Requests of a higher priority leave first where requests queue. Default 0. */
  readonly priority?: number | undefined;
  /** What the bytes are wanted for: shown in events, and `open` and `toc` are cached apart from data. Default `data`. */
  readonly reason?: ReadReason | undefined;
  /** Told of every request that this read leads to. Wrappers pass it on. */
  readonly onRequest?: RequestListener | undefined;
}

/** What first contact with an object gives. */
export interface Probe {
  /** Size of the whole object in bytes. */
  size: number;
  /**
   * What tells this state of the object from another: a strong ETag or a version id. Absent where the medium has none.
   * Sources that have seen one hold every later read to it and reject with `changed` when it differs.
   */
  version?: string;
  /** The first bytes: as many as wanted, or all there are. */
  head: Uint8Array;
  /** The last bytes: as many as wanted, or all there are. May overlap `head`. */
  tail: Uint8Array;
}

/**
 * The one interface of every reader: the bytes of one object, by position. Implementations hold no cursor, so that any
 * number of reads may run at once. Wrappers (retry, planner, events …) take one and are one.
 */
export interface RangeSource {
  /** For messages and cache keys: never a credential, never a query string. */
  readonly label: string;
  /** Whether reads cost next to nothing (memory, a file), so that retries, merging and a cache would only be in the way. */
  readonly local?: boolean | undefined;
  /** The queue that requests to this object's origin share. Without one, each read engine makes its own. */
  readonly limiter?: RequestLimiter | undefined;
  /**
   * First contact: size and version, without a HEAD request, with the first `head` and the last `tail` bytes.
   * @throws PeekpackError `not-found`, `denied`, `network`, `changed`, `closed`
   */
  probe(want: { head: number; tail: number }, options?: ReadOptions): Promise<Probe>;
  /**
   * Reads every range: exactly `end - start` bytes each, in the order asked for. The arrays may be views of shared
   * memory; do not write to them.
   * @throws PeekpackError `truncated` (the object ends before a range does), `not-found`, `denied`, `network`, `changed`, `closed`
   * @throws RangeError when a range is not `0 <= start <= end` in safe integers
   */
  read(ranges: readonly ByteRange[], options?: ReadOptions): Promise<Uint8Array[]>;
  /**
   * A source of the same object that has seen no version yet, for who wants to go on after `changed`. The old one keeps
   * its version.
   */
  reopen?(): RangeSource;
  /**
   * Holds every later read to a state of the object that the caller knows from before, as if this source had seen it. To
   * be called before the first read.
   * @throws PeekpackError `changed` when the source is held to another state already
   */
  pin?(state: { readonly size?: number | undefined; readonly version?: string | undefined }): void;
  /** Releases what the source holds. Later reads reject with `closed`. */
  close?(): Promise<void>;
}
