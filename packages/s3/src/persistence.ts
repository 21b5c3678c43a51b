import { S3Error, s3Error } from "./s3-error.js";

/** How hard a request is tried. */
export interface RetryOptions {
  /** Attempts in all, at least 1. Default 6. */
  readonly attempts?: number | undefined;
  /** Longest wait before the second attempt in milliseconds, doubled for each further one. Default 200. */
  readonly firstDelay?: number | undefined;
  /** Longest wait in milliseconds. Default 20,000; a server's Retry-After may ask for up to a minute. */
  readonly longestDelay?: number | undefined;
  /** How long the server may think about one attempt, in milliseconds; its body has time of its own. Default 90,000. */
  readonly patience?: number | undefined;
  /** Bytes a second that a body goes at least; an attempt that is slower counts as stalled. Default 65,536. */
  readonly slowest?: number | undefined;
}

/** How long a server may think, unless told otherwise. */
export const PATIENCE_MS = 90_000;
const LONGEST_RETRY_AFTER_MS = 60_000;
const SLOWEST = 65_536;

/** What one attempt knows of those before it. */
export interface Attempt {
  /** Aborts with the caller's signal, and when the attempt takes too long. */
  readonly signal: AbortSignal;
  /** Whether an earlier attempt may have taken effect although it failed. */
  readonly unsure: boolean;
}

/** What {@link persist} is to do. */
export interface Persistence {
  readonly retry?: RetryOptions | undefined;
  readonly signal?: AbortSignal | undefined;
  /** In words, for the message when an attempt takes too long. */
  readonly doing: string;
  readonly label: string;
  /** Bytes that one attempt moves; its time limit grows with them. */
  readonly bytes?: number | undefined;
  /** Whether an earlier process may have sent the request. */
  readonly unsure?: boolean | undefined;
}

/**
 * Calls `attempt` until it succeeds, fails for good, or has failed too often: after a random part of a doubling delay,
 * so that many clients do not come back at once.
 * @throws whatever the last attempt threw, or the signal's reason
 */
export async function persist<T>(attempt: (now: Attempt) => Promise<T>, options: Persistence): Promise<T> {
  const { retry = {}, signal, doing, label, bytes = 0 } = options;
  const attempts = retry.attempts ?? 6;
  let delay = retry.firstDelay ?? 200;
  let unsure = options.unsure ?? false;
  for (let made = 1; ; made++) {
    try {
      return await limited(
        signal,
        (retry.patience ?? PATIENCE_MS) + (bytes * 1000) / (retry.slowest ?? SLOWEST),
        (inner) => attempt({ signal: inner, unsure }),
        {
          doing,
          label,
        },
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof S3Error) || !error.retryable || made >= attempts) throw error;
      unsure ||= error.ambiguous;
      const asked = Math.min(error.retryAfter ?? 0, LONGEST_RETRY_AFTER_MS);
      await pause(asked + Math.random() * Math.min(delay, retry.longestDelay ?? 20_000), signal);
      delay *= 2;
    }
  }
}

async function limited<T>(
  outer: AbortSignal | undefined,
  limit: number,
  work: (signal: AbortSignal) => Promise<T>,
  { doing, label }: { readonly doing: string; readonly label: string },
): Promise<T> {
  outer?.throwIfAborted();
  // AbortSignal.any and AbortSignal.timeout would do, had they no leaks in the oldest supported Node.
  const controller = new AbortController();
  const follow = (): void => controller.abort(outer?.reason);
  outer?.addEventListener("abort", follow);
  const timer = setTimeout(() => controller.abort(s3Error({ s3Code: "ETIMEDOUT" }, { doing, label })), limit);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", follow);
  }
}

/** Waits; rejects with the signal's reason as soon as that aborts. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", leave);
      resolve();
    }, milliseconds);
    if (signal?.aborted) leave();
    else signal?.addEventListener("abort", leave, { once: true });
  });
}
