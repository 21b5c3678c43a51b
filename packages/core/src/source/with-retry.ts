import type { RetryOptions } from "./backoff.js";
import type { ClosableSource, RangeSource } from "./range-source.js";
import { withRequestPolicy } from "./request-policy.js";

/**
 * Retries failed requests (`network`, or as the source hints) with exponential backoff and full jitter. Respects `Retry-After`
 * within a bound. After a body that broke off, asks only for the missing bytes. The final error has the error of the last attempt
 * as its cause.
 */
export function withRetry(source: RangeSource, options: RetryOptions = {}): ClosableSource {
  return withRequestPolicy(source, { retry: options });
}
