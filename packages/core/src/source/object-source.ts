import { disposable } from "../disposable.js";
import { AbortListeners } from "./abort-listeners.js";
import { type AuthorizationRenewal, authorizationRenewal } from "./authorization-renewal.js";
import type { ObjectState, Piece, RequestedRange } from "./object-state.js";
import type { ClosableSource, Probe, ProbeRequest, ReadOptions } from "./range-source.js";
import type { RangeTransport } from "./range-transport.js";
import { type PendingEvent, rangedGet } from "./ranged-get.js";
import { eventError, requestEvent } from "./request-event.js";
import type { RequestLimiter } from "./request-limiter.js";
import { strongTag } from "./response.js";
import { retryHint } from "./retry-hint.js";
import { changed, checkRanges, closedSource, truncated } from "./source-error.js";

/** Options of {@link objectSource}. */
export interface ObjectSourceOptions {
  /** For messages and cache keys: no credential, no query string. */
  readonly label: string;
  /** ETag or version id that every response must have. Default: that of the first response. */
  readonly version?: string | undefined;
  /** Size of the object in bytes, if the caller knows it. Every response must agree. */
  readonly size?: number | undefined;
  /** Whether the tail may be requested as a suffix, together with the head, before the size is known. Default true. */
  readonly suffixRanges?: boolean | undefined;
  /** Whether `If-Match` is sent once the ETag is known. The version of responses is checked in any case. Default: not in a browser. */
  readonly ifMatch?: boolean | undefined;
  /**
   * Whether a browser sends the requests. It hides headers that CORS does not expose, and its HTTP cache is bypassed: Chromium
   * lets one request for a URL at a time into its cache, so ranges would arrive one after the other, and it combines the first
   * version's ETag with another version's bytes if a server ignores If-Range. Default false.
   */
  readonly browser?: boolean | undefined;
  /** Largest object that is kept whole if the server ignores ranges and responds 200, in bytes. Default 4 MiB. */
  readonly wholeBytes?: number | undefined;
  /**
   * A request fails if no response, or fewer than 500 bytes a second of it, arrive for this long, in milliseconds. Default
   * 20,000.
   */
  readonly stallMs?: number | undefined;
  /** The queue that this origin's sources share. */
  readonly limiter?: RequestLimiter | undefined;
}

/**
 * Reads one object through a transport: one GET with one range for each requested range, never a HEAD. The first response pins
 * the version.
 */
export function objectSource(transport: RangeTransport, options: ObjectSourceOptions): ClosableSource {
  const { label, suffixRanges = true, browser = false, ifMatch = !browser, limiter } = options;
  const { wholeBytes = 4 * 1024 * 1024, stallMs = 20_000, size, version } = options;
  const object: ObjectState = { label, transport, ifMatch, browser, wholeBytes, stallMs, size, version };
  const listeners = new AbortListeners();
  let whole: Uint8Array | undefined;
  let reopened = false;
  let closed = false;
  /** What has arrived of a probe that failed in part. The next attempt requests only the rest. */
  let partialProbe: { head?: Uint8Array; tail?: Uint8Array } = {};
  let renewal: AuthorizationRenewal | undefined;

  const assertOpen = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (closed) throw closedSource(label);
  };

  /** Sends one request and emits its event. */
  const send = async (
    requested: RequestedRange,
    read: ReadOptions,
    wanted?: () => Promise<void>,
  ): Promise<Piece> => {
    const range = "suffix" in requested ? requested : { range: requested };
    const event: PendingEvent = requestEvent(label, read, performance.now(), { bytes: 0, ...range });
    try {
      return await listeners.withAbort(read.signal, (controller) =>
        rangedGet(object, requested, controller, event, wanted),
      );
    } catch (error) {
      event.error = eventError(error);
      throw error;
    } finally {
      event.ms = performance.now() - event.startedAt;
      // A copy, as an aborted request may still update its event.
      read.onRequest?.({ ...event });
    }
  };

  const get = async (requested: RequestedRange, read: ReadOptions): Promise<Piece> => {
    const startedAt = performance.now();
    let piece: Piece;
    try {
      piece = await send(requested, read);
    } catch (error) {
      const refusal = retryHint(error)?.refusal;
      if (!refusal || !transport.renew) throw error;
      renewal ??= authorizationRenewal(label, transport);
      if (!(await renewal.renew(startedAt, refusal))) throw error;
      piece = await send(requested, read);
    }
    if (piece.whole && !reopened) whole = piece.bytes;
    return piece;
  };

  /** The bytes from `start` to `end`, or fewer if the object ends before. */
  const part = async (start: number, end: number, read: ReadOptions): Promise<Uint8Array> => {
    if (start >= end) return new Uint8Array(0);
    if (whole) return whole.subarray(start, end);
    const piece = await get({ start, end }, read);
    return piece.bytes.subarray(start - piece.start, end - piece.start);
  };

  /**
   * Asks for the long tail together with the head, and reads the response only if the head wants it. Undefined if it is
   * not wanted, or if the request fails.
   */
  const longTail = async (
    { tail, longTail: long }: ProbeRequest,
    head: Promise<Uint8Array>,
    read: ReadOptions,
  ): Promise<Uint8Array | undefined> => {
    if (!suffixRanges || object.size !== undefined || !long || long.bytes <= tail) return undefined;
    try {
      return await listeners.withAbort(read.signal, async (unwanted) => {
        const wanted = async (): Promise<void> => {
          if (long.wanted(await head, object.size!) > tail) return;
          unwanted.abort();
          throw unwanted.signal.reason;
        };
        wanted().catch(() => {});
        return (await send({ suffix: long.bytes }, { ...read, signal: unwanted.signal }, wanted)).bytes;
      });
    } catch {
      // Whatever went wrong, the closed range that follows says it.
      return undefined;
    }
  };

  const probe = async (want: ProbeRequest, read: ReadOptions): Promise<Probe> => {
    const once = async (side: "head" | "tail", fetch: () => Promise<Uint8Array>): Promise<Uint8Array> => {
      const arrived = partialProbe[side];
      if (arrived && arrived.length >= Math.min(want[side], object.size ?? want[side])) return arrived;
      const bytes = await fetch();
      partialProbe[side] = bytes;
      return bytes;
    };
    const last = (size: number, bytes: number) =>
      once("tail", () => part(Math.max(0, size - bytes), size, read));
    const known = object.size;
    const small = known !== undefined && want.head + want.tail >= known;
    // At least one byte, to check that the object exists. A small object is read by one request.
    const first = once("head", () => part(0, Math.max(1, small ? known : want.head), read));
    const [head, , long] = await Promise.all([
      first,
      known !== undefined
        ? small || last(known, want.tail)
        : suffixRanges &&
          want.tail > 0 &&
          once("tail", async () => (await get({ suffix: want.tail }, read)).bytes).catch((error: unknown) => {
            // Some servers do not support suffixes. With the size from the head, a closed range works.
            if (read.signal?.aborted || eventError(error) === "changed") throw error;
          }),
      longTail(want, first, read),
    ]);
    const size = object.size!;
    const bytes = Math.max(want.tail, want.longTail?.wanted(head.subarray(0, want.head), size) ?? 0);
    if (long !== undefined) partialProbe.tail = long;
    const arrived = partialProbe.tail?.length ?? 0;
    // Without suffixes the head comes first, so that the tail is asked for at its right length.
    if (arrived > 0 && arrived < Math.min(bytes, size) && suffixRanges) delete partialProbe.tail;
    const tail = head.length < size ? await last(size, bytes) : head;
    partialProbe = {};
    return {
      size,
      ...(object.version !== undefined && { version: object.version }),
      head: head.subarray(0, want.head),
      // All of a long tail: its bytes are here, and the cache can serve them.
      tail: long === undefined ? tail.subarray(Math.max(0, tail.length - bytes)) : tail,
    };
  };

  return disposable<ClosableSource>({
    label,
    limiter,
    async probe(want, read) {
      assertOpen(read?.signal);
      return listeners.withAbort(read?.signal, ({ signal }) =>
        probe(want, { reason: "open", ...read, signal }),
      );
    },
    async read(ranges, read) {
      assertOpen(read?.signal);
      checkRanges(label, ranges, object.size);
      return listeners.allOrNone(ranges, read?.signal, async (range, signal) => {
        const bytes = await part(range.start, range.end, { ...read, signal });
        if (bytes.length < range.end - range.start) throw truncated(label, range, object.size);
        return bytes;
      });
    },
    pin({ size = object.size, version = object.version }) {
      object.size ??= size;
      object.version ??= version;
      if (object.size !== size || strongTag(object.version) !== strongTag(version)) throw changed(label);
    },
    reopen() {
      reopened = true;
      whole = undefined;
      partialProbe = {};
      return objectSource(transport, { ...options, version: undefined, size: undefined });
    },
    async close() {
      closed = true;
      whole = undefined;
    },
  });
}
