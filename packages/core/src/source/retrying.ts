import { isPeekpackError, PeekpackError } from "../errors.js";
import { pause } from "./abort.js";
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

/** What is done when a request has failed. */
export interface Retrying {
  /**
   * Waits until it is time to try again. Gives the beginning of the range that did arrive, so that only the rest need be
   * asked for.
   * @throws what failed, or an error that says how often, when the request is given up; the signal's reason
   */
  after(error: unknown, attempt: number, signal: AbortSignal | undefined): Promise<Uint8Array | undefined>;
}

/** Makes a {@link Retrying} for one request that began at a time. */
export function retrying(options: RetryOptions, began: number): Retrying {
  const { attempts = 5, baseMs = 100, maxMs = 10_000, retryAfterMs = 20_000, totalMs = 60_000 } = options;
  const { random = Math.random, now = () => performance.now(), sleep = pause } = options;
  let failures = 0;
  return {
    async after(error, attempt, signal) {
      const known = isPeekpackError(error);
      const { again = known && error.code === "network", afterMs = 0, received } = retryHint(error) ?? {};
      if (!again) throw error;
      failures = received && received.length >= progressBytes ? 1 : failures + 1;
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
      return received;
    },
  };
}
