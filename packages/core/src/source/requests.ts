import { pause } from "./abort.js";
import { joined } from "./body.js";
import { layer } from "./layer.js";
import { seldom } from "./load-seldom.js";
import type { RangeSource, ReadOptions } from "./range-source.js";
import { errorOf, type RequestListener, requestEvent } from "./request-event.js";
import type { RequestLimiter } from "./request-limiter.js";
import type { Retrying, RetryOptions } from "./retrying.js";

/** What is done around each request. */
export interface RequestsOptions {
  /** Where each try waits for its turn. */
  readonly limiter?: RequestLimiter | undefined;
  /** How requests are repeated. Default: never. */
  readonly retry?: RetryOptions | undefined;
  /** Told of every request. */
  readonly listener?: RequestListener | undefined;
}

/**
 * The layer around a source's requests, one for each range and one for first contact: each waits for its turn, is tried
 * again when it failed for want of an answer, and is told also where the source below does not speak of it.
 */
export function withRequests(source: RangeSource, options: RequestsOptions): RangeSource {
  const { limiter, listener, retry } = options;
  const now = retry?.now ?? (() => performance.now());

  return layer(
    source,
    async (call, read, range) => {
      const { onRequest, signal } = read;
      /** When the first try began: waiting for a turn is no failing. */
      let began: number | undefined;
      const parts: Uint8Array[] = [];
      let from = range?.start;
      let retrying: Retrying | undefined;
      for (let attempt = 1; ; attempt++) {
        let startedAt = 0;
        // Nothing has been asked yet, so that there is nothing to tell.
        let told = true;
        const tell: RequestListener = (event) => {
          told = true;
          listener?.(event);
          onRequest?.(attempt > 1 ? { ...event, attempt } : event);
        };
        const heed: ReadOptions = { ...read, onRequest: tell, ...(attempt > 1 && { reason: "retry" }) };
        /** Tells of one request where the source below tells of none. */
        const tellAlso = (bytes: number, error?: unknown): void => {
          if (told || !(bytes || error)) return;
          const asked = range && { start: from!, end: range.end };
          tell(requestEvent(source.label, heed, startedAt, { range: asked, bytes, error: errorOf(error) }));
        };
        const once = () => {
          startedAt = performance.now();
          began ??= now();
          told = false;
          return call(heed, from);
        };
        try {
          const result = await (limiter ? limiter.run(once, read) : once());
          tellAlso(
            result instanceof Uint8Array
              ? result.length
              : Math.min(result.size, result.head.length + result.tail.length),
          );
          // There are parts only of a range, of which the result is the rest.
          return parts.length > 0 ? (joined([...parts, result as Uint8Array]) as typeof result) : result;
        } catch (error) {
          tellAlso(0, error);
          signal?.throwIfAborted();
          if (!retry) throw error;
          retrying ??= (await patiently(signal))?.retrying(retry, began ?? now());
          if (!retrying) throw error;
          const received = await retrying.after(error, attempt, signal);
          if (received && from !== undefined) {
            parts.push(received);
            from += received.length;
          }
        }
      }
    },
    (inner) => withRequests(inner, options),
    limiter,
  );
}

/** Loads what retries: what failed may be the network, for a page's own chunks as well. */
function patiently(signal: AbortSignal | undefined): Promise<Awaited<ReturnType<typeof seldom>> | undefined> {
  return seldom()
    .catch(() => pause(500, signal).then(seldom))
    .catch(() => undefined);
}
