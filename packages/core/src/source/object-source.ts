import { PeekpackError } from "../errors.js";
import { eachOrNone, withAbort } from "./abort.js";
import { publicCause } from "./answer.js";
import { checkRanges, closedSource, truncated } from "./byte-range.js";
import type { Probe, RangeSource, ReadOptions } from "./range-source.js";
import type { RangeTransport } from "./range-transport.js";
import { type GetContext, type GetNote, type Piece, rangedGet, type Wanted } from "./ranged-get.js";
import type { RequestLimiter } from "./request-limiter.js";
import { retryHint } from "./retry-hint.js";
import { versionPin } from "./version-pin.js";

/** How an object over HTTP is read. */
export interface ObjectSourceOptions {
  /** For messages and cache keys: no credential, no query string. */
  readonly label: string;
  /** ETag or version id that every answer must carry. Default: that of the first answer. */
  readonly version?: string | undefined;
  /** Size of the object in bytes, where the caller knows it. Every answer must agree. */
  readonly size?: number | undefined;
  /** Whether the tail may be asked for as a suffix, beside the head, before the size is known. Default true. */
  readonly suffixRanges?: boolean | undefined;
  /** Whether `If-Match` is sent once the ETag is known; answers are compared in any case. Default: not in a browser. */
  readonly ifMatch?: boolean | undefined;
  /** Whether a browser is between, which caches answers and hides headers that CORS does not expose. Default false. */
  readonly browser?: boolean | undefined;
  /** Largest object that is kept whole where the server ignores ranges and answers 200, in bytes. Default 4 MiB. */
  readonly wholeBytes?: number | undefined;
  /** A request is given up when no byte arrives for so long, in milliseconds. Default 20,000. */
  readonly stallMs?: number | undefined;
  /** The queue that this origin's sources share. */
  readonly limiter?: RequestLimiter | undefined;
}

/**
 * Reads one object through a transport: one GET with one range for each range asked for, and no HEAD ever. The first
 * answer pins the version, and every later one is held to it.
 */
export function objectSource(transport: RangeTransport, options: ObjectSourceOptions): RangeSource {
  return openObject(transport, options, false);
}

function openObject(transport: RangeTransport, options: ObjectSourceOptions, bypass: boolean): RangeSource {
  const { label, suffixRanges = true, browser = false, ifMatch = !browser, limiter } = options;
  const { wholeBytes = 4 * 1024 * 1024, stallMs = 20_000 } = options;
  const pin = versionPin(label, browser, options);
  const context: GetContext = { label, transport, pin, ifMatch, browser, wholeBytes, stallMs };
  let whole: Uint8Array | undefined;
  let closed = false;
  /** Counts authorizations, so that all requests refused with the same one share its renewal. */
  let epoch = 0;
  let renewal: Promise<boolean> | undefined;

  const open = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (closed) throw closedSource(label);
  };

  /** One request as an event. */
  const attempt = (wanted: Wanted, fresh: boolean, read: ReadOptions): Promise<Piece> => {
    const { onRequest, reason = "data", signal } = read;
    const note: GetNote = { bytes: 0, chunks: [] };
    const startedAt = performance.now();
    const tell = (error?: unknown): void =>
      onRequest?.({
        label,
        range: "suffix" in wanted ? note.range : wanted,
        suffix: "suffix" in wanted ? wanted.suffix : undefined,
        reason,
        attempt: 1,
        from: "network",
        bytes: note.bytes,
        startedAt,
        ms: performance.now() - startedAt,
        firstByteMs: note.firstByteMs,
        status: note.status,
        error: error === undefined ? undefined : error instanceof PeekpackError ? error.code : "aborted",
      });
    return withAbort(signal, (controller) => rangedGet(context, wanted, fresh, controller, note)).then(
      (piece) => {
        tell();
        return piece;
      },
      (error: unknown) => {
        tell(error);
        throw error;
      },
    );
  };

  const get = async (wanted: Wanted, read: ReadOptions): Promise<Piece> => {
    let fresh = bypass;
    for (let renewed = false; ; ) {
      const authorization = epoch;
      try {
        const piece = await attempt(wanted, fresh, read);
        if (piece.whole) whole = piece.bytes;
        return piece;
      } catch (error) {
        const refusal = retryHint(error)?.refusal;
        if (refusal !== undefined && !renewed && transport.renew !== undefined) {
          if (authorization === epoch) {
            renewal ??= transport
              .renew(refusal)
              .catch((cause: unknown) => {
                throw new PeekpackError("denied", `${label}: no new authorization.`, {
                  section: "source",
                  cause: publicCause(cause),
                });
              })
              .finally(() => {
                epoch++;
                renewal = undefined;
              });
          }
          renewed = true;
          if (await (renewal ?? true)) continue;
        } else if (browser && !fresh && error instanceof PeekpackError && error.code === "changed") {
          // The browser's HTTP cache may hold ranges of two versions: believe the server only.
          fresh = true;
          continue;
        }
        throw error;
      }
    }
  };

  /** The bytes from `start` to `end`, fewer only where the object ends before. */
  const part = async (start: number, end: number, read: ReadOptions): Promise<Uint8Array> => {
    if (start === end) return new Uint8Array(0);
    if (whole !== undefined) return whole.subarray(start, end);
    const piece = await get({ start, end }, read);
    return piece.bytes.subarray(start - piece.start, end - piece.start);
  };

  const firstContact = async (want: { head: number; tail: number }, read: ReadOptions): Promise<Probe> => {
    const { size } = pin;
    let head: Uint8Array | undefined;
    let tail: Uint8Array | undefined;
    if (size !== undefined && want.head + want.tail >= size) {
      // One request for a small object; and at least one, to see that it is there.
      head = tail = await part(0, Math.max(1, size), read);
    } else if (size === undefined && suffixRanges && want.tail > 0) {
      const suffix = get({ suffix: want.tail }, read).then(
        ({ bytes }) => bytes,
        (error: unknown) => {
          read.signal?.throwIfAborted();
          if (error instanceof PeekpackError && error.code === "changed") throw error;
          // Not every server knows suffixes; with the size at hand a closed range does.
          return undefined;
        },
      );
      [head, tail] = await Promise.all([part(0, Math.max(1, want.head), read), suffix]);
    } else if (size !== undefined) {
      [head, tail] = await Promise.all([part(0, want.head, read), part(size - want.tail, size, read)]);
    } else {
      head = await part(0, Math.max(1, want.head), read);
    }
    const total = pin.size!;
    if (head.length >= total) tail = head;
    tail ??= await part(Math.max(0, total - want.tail), total, read);
    return {
      size: total,
      ...(pin.version === undefined ? {} : { version: pin.version }),
      head: head.subarray(0, want.head),
      tail: tail.subarray(Math.max(0, tail.length - want.tail)),
    };
  };

  return {
    label,
    limiter,
    async probe(want, read = {}) {
      open(read.signal);
      return withAbort(read.signal, ({ signal }) => firstContact(want, { reason: "open", ...read, signal }));
    },
    async read(ranges, read = {}) {
      open(read.signal);
      checkRanges(label, ranges, pin.size);
      return eachOrNone(ranges, read.signal, async ({ start, end }, signal) => {
        const bytes = await part(start, end, { ...read, signal });
        if (bytes.length < end - start) throw truncated(label, start, end, pin.size);
        return bytes;
      });
    },
    reopen: () => openObject(transport, { ...options, version: undefined, size: undefined }, true),
    async close() {
      closed = true;
      whole = undefined;
    },
  };
}
