import { AbortListeners } from "@peekpack/core/internal";
import { S3Error, s3Error } from "./s3-error.js";

/** How requests that write are retried. Times in milliseconds. */
export interface WriteRetryOptions {
  /** Maximum number of attempts. Default 6. */
  readonly attempts?: number | undefined;
  /** Upper bound of the delay before the second attempt; doubles from attempt to attempt. The delay is random from 0 to the bound. Default 200. */
  readonly baseMs?: number | undefined;
  /** Maximum delay before any attempt. Default 20,000. */
  readonly maxMs?: number | undefined;
  /** Maximum delay that a server may ask for by `Retry-After`. Default 60,000. */
  readonly retryAfterMs?: number | undefined;
  /** Timeout of one attempt. Attempts that send a body have more time, by `minimumRate`. Default 90,000. */
  readonly timeoutMs?: number | undefined;
  /** Minimum rate of a body in bytes per second. A slower attempt times out. Default 65,536. */
  readonly minimumRate?: number | undefined;
}

/** The timeout of one attempt by default, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 90_000;

/** What one attempt needs. */
export interface Attempt {
  /** Aborts with the caller's signal and at the timeout. */
  readonly signal: AbortSignal;
  /** Whether an earlier attempt failed although it may have been committed. */
  readonly mayHaveCommitted: boolean;
}

/** A request of {@link withRetries}. */
export interface RetriedRequest {
  readonly retry?: WriteRetryOptions | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For messages, as in 'upload part 3'. */
  readonly action: string;
  readonly label: string;
  /** Size of the body in bytes. */
  readonly bytes?: number | undefined;
  /** Whether an earlier process may have committed the request. */
  readonly mayHaveCommitted?: boolean | undefined;
}

/**
 * Calls `attempt` until it succeeds, fails with an error that a retry cannot help, or has failed too often. Rejects as soon as
 * the signal aborts or an attempt times out, even if the attempt ignores its signal.
 * @throws what the last attempt threw, or the signal's reason
 */
export async function withRetries<T>(
  attempt: (context: Attempt) => Promise<T>,
  request: RetriedRequest,
): Promise<T> {
  const { retry = {}, signal, action, label, bytes = 0 } = request;
  const { attempts = 6, baseMs = 200, maxMs = 20_000, retryAfterMs = 60_000 } = retry;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, minimumRate = 65_536 } = retry;
  const listeners = new AbortListeners();
  let mayHaveCommitted = request.mayHaveCommitted ?? false;
  for (let made = 1; ; made++) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await listeners.withAbort(signal, (controller) => {
        const timeout = (): void => controller.abort(s3Error({ s3Code: "ETIMEDOUT" }, { action, label }));
        timer = setTimeout(timeout, timeoutMs + (bytes * 1000) / minimumRate);
        return attempt({ signal: controller.signal, mayHaveCommitted });
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof S3Error) || !error.retryable || made >= attempts) throw error;
      mayHaveCommitted ||= error.mayHaveCommitted;
      const requested = Math.min(error.retryAfter ?? 0, retryAfterMs);
      const backoff = Math.random() * Math.min(baseMs * 2 ** (made - 1), maxMs);
      await listeners.sleep(requested + backoff, signal);
    } finally {
      clearTimeout(timer);
    }
  }
}
