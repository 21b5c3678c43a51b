import { isPeekpackError, PeekpackError } from "../errors.js";
import { eachOrNone } from "./abort.js";
import { joined } from "./answer.js";
import { passedOn } from "./passed-on.js";
import type { RangeSource, ReadOptions } from "./range-source.js";
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

  const persist = async <T>(
    read: ReadOptions,
    work: (read: ReadOptions) => Promise<T>,
    keep?: (received: Uint8Array) => void,
  ): Promise<T> => {
    const began = now();
    const { onRequest, signal } = read;
    for (let attempt = 1, failures = 1; ; attempt++, failures++) {
      try {
        return await work(
          attempt === 1
            ? read
            : {
                ...read,
                reason: "retry",
                onRequest: onRequest && ((event) => onRequest({ ...event, attempt })),
              },
        );
      } catch (error) {
        signal?.throwIfAborted();
        const {
          again = isPeekpackError(error) && error.code === "network",
          afterMs = 0,
          received,
        } = retryHint(error) ?? {};
        if (!again) throw error;
        if (received !== undefined) {
          keep?.(received);
          if (received.length >= progressBytes) failures = 1;
        }
        const wait = Math.max(
          random() * Math.min(maxMs, baseMs * 2 ** (failures - 1)),
          Math.min(afterMs, retryAfterMs),
        );
        if (failures >= attempts || now() - began + wait > totalMs) throw gaveUp(error, attempt);
        await sleep(wait, signal);
      }
    }
  };

  return {
    ...passedOn(source, (inner) => withRetry(inner, options)),
    probe: (want, read = {}) => persist(read, (heed) => source.probe(want, heed)),
    read: (ranges, read = {}) =>
      eachOrNone(ranges, read.signal, async ({ start, end }, signal) => {
        const parts: Uint8Array[] = [];
        let at = start;
        const last = await persist(
          { ...read, signal },
          (heed) => source.read([{ start: at, end }], heed),
          (received) => {
            parts.push(received);
            at += received.length;
          },
        );
        return parts.length === 0 ? last[0]! : joined([...parts, last[0]!]);
      }),
  };
}

function gaveUp(error: unknown, tries: number): unknown {
  if (tries === 1 || !isPeekpackError(error)) return error;
  const { code, message, section, offset, path } = error;
  return new PeekpackError(code, `${message} Given up after ${tries} tries.`, {
    section,
    offset,
    path,
    cause: error,
  });
}

/** Waits, or rejects with the signal's reason. Leaves neither timer nor listener behind. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
  });
}
