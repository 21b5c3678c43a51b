import { eachOrNone, withAbort } from "./abort.js";
import { strongTag } from "./answer.js";
import { seldom } from "./load-seldom.js";
import type { Probe, RangeSource, ReadOptions } from "./range-source.js";
import type { RangeTransport } from "./range-transport.js";
import { type GetNote, type ObjectState, type Piece, rangedGet, type Wanted } from "./ranged-get.js";
import type { Renewal } from "./renewal.js";
import { errorOf, requestEvent } from "./request-event.js";
import type { RequestLimiter } from "./request-limiter.js";
import { retryHint } from "./retry-hint.js";
import { changed, checkRanges, closedSource, truncated } from "./source-error.js";
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
  /**
   * Whether a browser is between, which hides headers that CORS does not expose, and whose HTTP cache is bypassed:
   * Chromium lets one request for a URL at a time into its cache, so that ranges would arrive one after the other, and
   * shows the first version's ETag with another's bytes when a server ignores If-Range. Default false.
   */
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
  const { label, suffixRanges = true, browser = false, ifMatch = !browser, limiter } = options;
  const { wholeBytes = 4 * 1024 * 1024, stallMs = 20_000, size, version } = options;
  const object: ObjectState = { label, transport, ifMatch, browser, wholeBytes, stallMs, size, version };
  let whole: Uint8Array | undefined;
  let closed = false;
  /** What has arrived of a first contact that is not complete: the next try asks only for the rest. */
  let contact: { head?: Uint8Array; tail?: Uint8Array } = {};
  let renewal: Renewal | undefined;

  const open = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (closed) throw closedSource(label);
  };

  /** One request, told as an event. */
  const request = async (wanted: Wanted, read: ReadOptions): Promise<Piece> => {
    const range = "suffix" in wanted ? wanted : { range: wanted };
    const note: GetNote = requestEvent(label, read, performance.now(), { bytes: 0, ...range });
    try {
      return await withAbort(read.signal, (controller) => rangedGet(object, wanted, controller, note));
    } catch (error) {
      note.error = errorOf(error);
      throw error;
    } finally {
      note.ms = performance.now() - note.startedAt;
      // A copy, as a request that was left may still note its answer.
      read.onRequest?.({ ...note });
    }
  };

  const get = async (wanted: Wanted, read: ReadOptions): Promise<Piece> => {
    const startedAt = performance.now();
    let piece: Piece;
    try {
      piece = await request(wanted, read);
    } catch (error) {
      const refusal = retryHint(error)?.refusal;
      const rare = refusal && transport.renew && (await seldom().catch(() => undefined));
      if (!rare) throw error;
      renewal ??= rare.renewal(label, transport);
      if (!(await renewal.renew(startedAt, refusal))) throw error;
      piece = await request(wanted, read);
    }
    if (piece.whole) whole = piece.bytes;
    return piece;
  };

  /** The bytes from `start` to `end`, fewer only where the object ends before. */
  const part = async (start: number, end: number, read: ReadOptions): Promise<Uint8Array> => {
    if (start >= end) return new Uint8Array(0);
    if (whole) return whole.subarray(start, end);
    const piece = await get({ start, end }, read);
    return piece.bytes.subarray(start - piece.start, end - piece.start);
  };

  const firstContact = async (want: { head: number; tail: number }, read: ReadOptions): Promise<Probe> => {
    const once = async (side: "head" | "tail", fetch: () => Promise<Uint8Array>): Promise<Uint8Array> => {
      const got = contact[side];
      if (got && got.length >= Math.min(want[side], object.size ?? Number.POSITIVE_INFINITY)) return got;
      const bytes = await fetch();
      contact[side] = bytes;
      return bytes;
    };
    const last = (size: number) => once("tail", () => part(Math.max(0, size - want.tail), size, read));
    const known = object.size;
    const small = known !== undefined && want.head + want.tail >= known;
    const [head] = await Promise.all([
      // At least one byte, to see that the object is there; and one request for all of a small one.
      once("head", () => part(0, Math.max(1, small ? known : want.head), read)),
      known !== undefined
        ? small || last(known)
        : suffixRanges &&
          want.tail > 0 &&
          once("tail", async () => (await get({ suffix: want.tail }, read)).bytes).catch((error: unknown) => {
            // Not every server knows suffixes. With the size from the head, a closed range does.
            if (read.signal?.aborted || errorOf(error) === "changed") throw error;
          }),
    ]);
    const size = object.size!;
    const tail = head.length < size ? await last(size) : head;
    contact = {};
    return {
      size,
      ...(object.version !== undefined && { version: object.version }),
      head: head.subarray(0, want.head),
      tail: tail.subarray(Math.max(0, tail.length - want.tail)),
    };
  };

  return {
    label,
    limiter,
    async probe(want, read) {
      open(read?.signal);
      return withAbort(read?.signal, ({ signal }) => firstContact(want, { reason: "open", ...read, signal }));
    },
    async read(ranges, read) {
      open(read?.signal);
      checkRanges(label, ranges, object.size);
      return eachOrNone(ranges, read?.signal, async (range, signal) => {
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
    reopen: () => objectSource(transport, { ...options, version: undefined, size: undefined }),
    async close() {
      closed = true;
      whole = undefined;
    },
  };
}
