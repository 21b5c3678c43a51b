import { PeekpackError } from "../errors.js";
import { expectedRange } from "./answer.js";
import { joined, readBody } from "./body.js";
import { seldom } from "./load-seldom.js";
import type { ByteRange } from "./range-source.js";
import type { RangeTransport, TransportResponse } from "./range-transport.js";
import type { RequestEvent } from "./request-event.js";
import { networkError } from "./source-error.js";

/** A closed range, or so many of the last bytes. */
export type Wanted = ByteRange | { readonly suffix: number };

/** Bytes of the object that a valid answer brought. */
export interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Whether these are all the object's bytes. */
  readonly whole?: boolean | undefined;
}

/** One object: how it is reached, and the state that every answer is held to. */
export interface ObjectState {
  readonly label: string;
  readonly transport: RangeTransport;
  readonly ifMatch: boolean;
  readonly browser: boolean;
  readonly wholeBytes: number;
  readonly stallMs: number;
  /** Size in bytes, once known. */
  size: number | undefined;
  /** ETag as the server spells it, or version id. */
  version: string | undefined;
  /** Value for `If-Match`, once the version is known to be an ETag. */
  condition?: string;
  /** `Last-Modified`, compared where there is no version. */
  modified?: string | null;
}

/** What is seen of a GET while it runs: its event, in the making. */
export type GetNote = { -readonly [Key in keyof RequestEvent]: RequestEvent[Key] };

/**
 * Makes one GET and distrusts its answer: status, place, length, encoding and version are checked before anything is
 * given out. An answer that ends before `wanted` does is given out only where the object itself ends there.
 */
export async function rangedGet(
  object: ObjectState,
  wanted: Wanted,
  controller: AbortController,
  note: GetNote,
): Promise<Piece> {
  const { label, stallMs, ifMatch, condition, browser } = object;
  const { signal } = controller;
  /** What has arrived of a body whose rest is sure to be of the same version. */
  const kept: Uint8Array[] = [];
  const failed = (what: string, cause?: Error): PeekpackError =>
    networkError(label, what, kept.length > 0 ? { received: joined(kept) } : undefined, cause);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = (count = 0): void => {
    note.bytes += count;
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(failed(`no byte for ${stallMs} ms`)), stallMs);
  };
  let answer: TransportResponse | undefined;
  try {
    alive();
    const range = `bytes=${"suffix" in wanted ? `-${wanted.suffix}` : `${wanted.start}-${wanted.end - 1}`}`;
    answer = await object.transport.get({
      headers: ifMatch && condition ? { range, "if-match": condition } : { range },
      signal,
      fresh: browser,
    });
    note.status = answer.status;
    note.firstByteMs = performance.now() - note.startedAt;
    alive();
    const place = expectedRange(object, wanted, answer);
    if (!place) return await (await seldom()).oddAnswer(object, wanted, answer, signal, alive);
    note.range = place;
    const { start, end } = place;
    const length = end - start;
    const bytes = await readBody(
      answer.body,
      length,
      signal,
      alive,
      object.version === undefined ? [] : kept,
    );
    if (bytes.length === length) return { start, bytes };
    if (bytes.length > length) kept.length = 0;
    throw failed("the body is not as long as announced");
  } catch (error) {
    // Frees the connection where the answer was given up; a body that is being read refuses, which is as well.
    answer?.body?.cancel().catch(() => {});
    if (signal.aborted) throw signal.reason;
    if (error instanceof PeekpackError) throw error;
    const rare = await seldom().catch(() => undefined);
    throw failed(`the request failed${browser ? ", or CORS forbids it" : ""}`, rare?.publicCause(error));
  } finally {
    clearTimeout(timer);
  }
}
