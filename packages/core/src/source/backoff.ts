import { isPeekpackError, PeekpackError } from "../errors.js";
import { retryHint } from "./retry-hint.js";

/** How requests are retried. Times in milliseconds. */
export interface RetryOptions {
  /** Maximum number of attempts, if none of them makes progress. Default 5. */
  readonly attempts?: number | undefined;
  /** Upper bound of the delay before the second attempt; doubles from attempt to attempt. The delay is random from 0 to the bound. Default 100. */
  readonly baseMs?: number | undefined;
  /** Maximum delay before any attempt. Default 10,000. */
  readonly maxMs?: number | undefined;
  /** Maximum delay that a server may ask for by `Retry-After`. Default 20,000. */
  readonly retryAfterMs?: number | undefined;
  /** No attempt begins later than this after the first. Default 60,000. */
  readonly totalMs?: number | undefined;
  /** A number from 0 to 1. Default Math.random. */
  readonly random?: (() => number) | undefined;
  /** The clock. Default performance.now. */
  readonly now?: (() => number) | undefined;
  /** Waits, or rejects with the signal's reason as soon as the signal aborts. */
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/** An attempt that received this much does not count as a failure: the connection breaks now and then, but works. */
const progressBytes = 65_536;

/** Decides after each failure of one request whether and when to retry. */
export interface Backoff {
  /**
   * Waits until the next attempt. Returns the beginning of the range if it arrived, so that the attempt asks for the rest only.
   * @throws `error`, or an error with the number of attempts, if there is no next attempt; the signal's reason if it aborts
   */
  wait(error: unknown, attempt: number, signal: AbortSignal | undefined): Promise<Uint8Array | undefined>;
}

/** Makes a {@link Backoff} for one request, whose first attempt began at `startedAt`. */
export function backoff(
  options: RetryOptions,
  { now, sleep }: { readonly [Name in "now" | "sleep"]: NonNullable<RetryOptions[Name]> },
  startedAt: number,
): Backoff {
  const { attempts = 5, baseMs = 100, maxMs = 10_000, retryAfterMs = 20_000, totalMs = 60_000 } = options;
  const { random = Math.random } = options;
  let failures = 0;
  return {
    async wait(error, attempt, signal) {
      const known = isPeekpackError(error);
      const { again = known && error.code === "network", afterMs = 0, received } = retryHint(error) ?? {};
      if (!again) throw error;
      failures = received && received.length >= progressBytes ? 1 : failures + 1;
      const delay = Math.max(
        random() * Math.min(maxMs, baseMs * 2 ** (failures - 1)),
        Math.min(afterMs, retryAfterMs),
      );
      if (failures >= attempts || now() - startedAt + delay > totalMs) {
        if (attempt < 2 || !known) throw error;
        throw new PeekpackError(error.code, `${error.message} Given up after ${attempt} attempts.`, {
          section: "source",
          cause: error,
        });
      }
      await sleep(delay, signal);
      return received;
    },
  };
}
