import { concat } from "../bytes.js";
import { AbortListeners } from "./abort-listeners.js";
import { type Backoff, backoff, type RetryOptions } from "./backoff.js";
import type { ClosableSource, RangeSource, ReadOptions } from "./range-source.js";
import { eventError, type RequestListener, requestEvent } from "./request-event.js";
import type { RequestLimiter } from "./request-limiter.js";
import { wrapRequests } from "./wrap-requests.js";

/** What happens around each request. */
export interface RequestPolicy {
  /** The queue of every attempt. */
  readonly limiter?: RequestLimiter | undefined;
  /** How requests are retried. Default: never. */
  readonly retry?: RetryOptions | undefined;
  /** Called for every request. */
  readonly listener?: RequestListener | undefined;
}

/**
 * Queues, retries and reports the requests of a source: one for each range and one for the probe. If the source emits no event
 * for a request, this wrapper emits one.
 */
export function withRequestPolicy(source: RangeSource, policy: RequestPolicy): ClosableSource {
  const { limiter, listener, retry } = policy;
  const listeners = new AbortListeners();
  const now = retry?.now ?? (() => performance.now());
  const sleep: NonNullable<RetryOptions["sleep"]> =
    retry?.sleep ?? ((ms, signal) => listeners.sleep(ms, signal));

  return wrapRequests(
    source,
    async (send, read, range) => {
      const { onRequest, signal } = read;
      /** When the first attempt left the queue. The retry time does not include the queue. */
      let startedFirst: number | undefined;
      const parts: Uint8Array[] = [];
      let start = range?.start;
      let retries: Backoff | undefined;
      for (let attempt = 1; ; attempt++) {
        let startedAt = 0;
        // A request that was never sent has no event.
        let emitted = true;
        const emit: RequestListener = (event) => {
          emitted = true;
          listener?.(event);
          onRequest?.(attempt > 1 ? { ...event, attempt } : event);
        };
        const options: ReadOptions = { ...read, onRequest: emit, ...(attempt > 1 && { reason: "retry" }) };
        /** Emits the event of the attempt unless the source has. */
        const emitMissing = (bytes: number, error?: unknown): void => {
          if (emitted || !(bytes || error)) return;
          const requested = range && { start: start!, end: range.end };
          const details = { range: requested, bytes, error: eventError(error) };
          emit(requestEvent(source.label, options, startedAt, details));
        };
        const once = () => {
          startedAt = performance.now();
          startedFirst ??= now();
          emitted = false;
          return send(options, start);
        };
        try {
          const result = await (limiter ? limiter.run(once, read) : once());
          emitMissing(
            result instanceof Uint8Array
              ? result.length
              : Math.min(result.size, result.head.length + result.tail.length),
          );
          // Only a range has parts. The result is the rest of it.
          return parts.length > 0 ? (concat([...parts, result as Uint8Array]) as typeof result) : result;
        } catch (error) {
          emitMissing(0, error);
          signal?.throwIfAborted();
          if (!retry) throw error;
          retries ??= backoff(retry, { now, sleep }, startedFirst ?? now());
          const received = await retries.wait(error, attempt, signal);
          if (received && start !== undefined) {
            parts.push(received);
            start += received.length;
          }
        }
      }
    },
    (inner) => withRequestPolicy(inner, policy),
    limiter,
  );
}
