import { isPeekpackError, PeekpackError } from "../errors.js";
import { pause } from "./abort.js";
import { joined } from "./body.js";
import { layer } from "./layer.js";
import type { RangeSource, ReadOptions } from "./range-source.js";
import { errorOf, type RequestListener, requestEvent } from "./request-event.js";
import type { RequestLimiter } from "./request-limiter.js";
import { retryHint } from "./retry-hint.js";

/** How often and how patiently requests are repeated. Times in milliseconds. */
export interface RetryOptions {
  /** Tries in all, as long as none of them brings anything. Default 5. */
  readonly attempts?: number | undefined;
  /** Longest wait before the second try; doubles from try to try. The wait is drawn evenly from 0 to that. Default 100. */
  readonly baseMs?: number | undefined;
  /** Longest wait before any try. Default 10,000. */
  readonly maxMs?: number | undefined;
  /** Longest wait that a server may ask for by `Retry-After`. Default 20,000. */
  readonly retryAfterMs?: number | undefined;
  /** No try begins later than this after the first. Default 60,000. */
  readonly totalMs?: number | undefined;
  /** A number from 0 to 1. Default Math.random. */
  readonly random?: (() => number) | undefined;
  /** The time. Default performance.now. */
  readonly now?: (() => number) | undefined;
  /** Waits, or rejects with the signal's reason at once when that aborts. */
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/** What is done around each request. */
export interface RequestsOptions {
  /** Where each try waits for its turn. */
  readonly limiter?: RequestLimiter | undefined;
  /** How requests are repeated. Default: never. */
  readonly retry?: RetryOptions | undefined;
  /** Told of every request. */
  readonly listener?: RequestListener | undefined;
}

/** A try that brought this much was no failure to be counted: the connection breaks now and then, but it works. */
const progressBytes = 65_536;

/**
 * The layer around a source's requests, one for each range and one for first contact: each waits for its turn, is tried
 * again when it failed for want of an answer, and is told also where the source below does not speak of it.
 */
export function withRequests(source: RangeSource, options: RequestsOptions): RangeSource {
  const { limiter, listener, retry = { attempts: 1 } } = options;
  const { attempts = 5, baseMs = 100, maxMs = 10_000, retryAfterMs = 20_000, totalMs = 60_000 } = retry;
  const { random = Math.random, now = () => performance.now(), sleep = pause } = retry;

  return layer(
    source,
    async (call, read, range) => {
      const { onRequest, signal } = read;
      const began = now();
      const parts: Uint8Array[] = [];
      let from = range?.start;
      for (let attempt = 1, failures = 1; ; attempt++, failures++) {
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
          const known = isPeekpackError(error);
          const { again = known && error.code === "network", afterMs = 0, received } = retryHint(error) ?? {};
          if (!again) throw error;
          if (received && from !== undefined) {
            parts.push(received);
            from += received.length;
            if (received.length >= progressBytes) failures = 1;
          }
          const wait = Math.max(
            random() * Math.min(maxMs, baseMs * 2 ** (failures - 1)),
            Math.min(afterMs, retryAfterMs),
          );
          if (failures >= attempts || now() - began + wait > totalMs) {
            if (attempt < 2 || !known) throw error;
            throw new PeekpackError(error.code, `${error.message} Given up after ${attempt} tries.`, {
              section: "source",
              cause: error,
            });
          }
          await sleep(wait, signal);
        }
      }
    },
    (inner) => withRequests(inner, options),
    limiter,
  );
}
