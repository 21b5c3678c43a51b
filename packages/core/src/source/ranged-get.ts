import { concat } from "../bytes.js";
import { PeekpackError } from "../errors.js";
import type { ObjectState, Piece, RequestedRange } from "./object-state.js";
import { publicCause } from "./public-cause.js";
import type { TransportResponse } from "./range-transport.js";
import { readBody } from "./read-body.js";
import type { RequestEvent } from "./request-event.js";
import { expectedRange } from "./response.js";
import { networkError } from "./source-error.js";
import { unexpectedResponse } from "./unexpected-response.js";

/** Minimum rate of a response in bytes per millisecond: a server that sends a byte now and then would hold a read for hours. */
const MIN_RATE = 0.5;

/** The event of a GET that still runs. */
export type PendingEvent = { -readonly [Key in keyof RequestEvent]: RequestEvent[Key] };

/**
 * Makes one GET. Checks status, range, length, encoding and version of the response before it returns any byte. A piece that ends
 * before the requested range means that the object ends there.
 */
export async function rangedGet(
  object: ObjectState,
  requested: RequestedRange,
  controller: AbortController,
  event: PendingEvent,
  wanted?: () => Promise<void>,
): Promise<Piece> {
  const { label, stallMs, ifMatch, condition, browser } = object;
  const { signal } = controller;
  /** The part of the body that has arrived, if the version is pinned: a retry can then ask for the rest only. */
  const received: Uint8Array[] = [];
  const failed = (what: string, cause?: Error): PeekpackError =>
    networkError(label, what, { received: concat(received) }, cause);
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Bytes since the timer was set. */
  let arrived = 0;
  const restart = (): void => {
    arrived = 0;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const bytes = arrived === 0 ? "no byte" : `only ${arrived} bytes`;
      controller.abort(failed(`${bytes} for ${stallMs} ms`));
    }, stallMs);
  };
  const progress = (count: number): void => {
    event.bytes += count;
    arrived += count;
    if (arrived >= stallMs * MIN_RATE) restart();
  };
  let response: TransportResponse | undefined;
  try {
    restart();
    const range = `bytes=${"suffix" in requested ? `-${requested.suffix}` : `${requested.start}-${requested.end - 1}`}`;
    response = await object.transport.get({
      headers: { range, ...(ifMatch && condition && { "if-match": condition }) },
      signal,
      fresh: browser,
    });
    event.status = response.status;
    event.firstByteMs = performance.now() - event.startedAt;
    restart();
    const responseRange = expectedRange(object, requested, response);
    if (!responseRange) return await unexpectedResponse(object, requested, response, signal, progress);
    event.range = responseRange;
    // A response whose bytes may not be wanted waits unread.
    await wanted?.();
    const { start, end } = responseRange;
    const length = end - start;
    const chunks = object.version === undefined ? [] : received;
    const bytes = await readBody(response.body, length, signal, progress, chunks);
    if (bytes.length === length) return { start, bytes };
    if (bytes.length > length) received.length = 0;
    throw failed("the body is not as long as announced");
  } catch (error) {
    // Frees the connection of a rejected response. A body that is being read refuses, and readBody cancels it.
    response?.body?.cancel().catch(() => {});
    if (signal.aborted) throw signal.reason;
    if (error instanceof PeekpackError) throw error;
    throw failed(`the request failed${browser ? ", or CORS forbids it" : ""}`, publicCause(error));
  } finally {
    clearTimeout(timer);
  }
}
