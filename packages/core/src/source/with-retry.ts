import { isPeekpackError, PeekpackError } from "../errors.js";
import { pause } from "./abort.js";
import { joined } from "./body.js";
import { layer } from "./layer.js";
import type { RangeSource } from "./range-source.js";
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

/** A try that brought this much was no failure to be counted: the connection breaks now and then, but it works. */
const progressBytes = 65_536;

/**
 * Repeats requests that failed for want of an answer (`network`, and what the source hints at): exponential backoff with
 * full jitter, `Retry-After` within bounds, and after a body that broke off only the missing bytes. The error of the
 * last try is the cause of the one that is thrown.
 */
export function withRetry(source: RangeSource, options: RetryOptions = {}): RangeSource {
  const { attempts = 5, baseMs = 100, maxMs = 10_000, retryAfterMs = 20_000, totalMs = 60_000 } = options;
  const { random = Math.random, now = () => performance.now(), sleep = pause } = options;
  return layer(
    source,
    async (call, read, range) => {
      const { onRequest, signal } = read;
      const began = now();
      const parts: Uint8Array[] = [];
      let from = range?.start;
      for (let attempt = 1, failures = 1; ; attempt++, failures++) {
        try {
          const result = await call(
            attempt < 2
              ? read
              : {
                  ...read,
                  reason: "retry",
                  onRequest: onRequest && ((event) => onRequest({ ...event, attempt })),
                },
            from,
          );
          // There are parts only of a range, of which the result is the rest.
          return parts.length > 0 ? (joined([...parts, result as Uint8Array]) as typeof result) : result;
        } catch (error) {
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
            const { code, message } = error;
            throw new PeekpackError(code, `${message} Given up after ${attempt} tries.`, {
              section: "source",
              cause: error,
            });
          }
          await sleep(wait, signal);
        }
      }
    },
    (inner) => withRetry(inner, options),
  );
}
