import type { RangeSource } from "./range-source.js";
import { withRequests } from "./requests.js";
import type { RetryOptions } from "./retrying.js";

/**
 * Repeats requests that failed for want of an answer (`network`, and what the source hints at): exponential backoff with
 * full jitter, `Retry-After` within bounds, and after a body that broke off only the missing bytes. The error of the
 * last try is the cause of the one that is thrown.
 */
export function withRetry(source: RangeSource, options: RetryOptions = {}): RangeSource {
  return withRequests(source, { retry: options });
}
