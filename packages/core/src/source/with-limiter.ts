import type { ClosableSource, RangeSource } from "./range-source.js";
import type { RequestLimiter } from "./request-limiter.js";
import { withRequestPolicy } from "./request-policy.js";

/** Queues each range of a source in `limiter`, and a probe as one task. */
export function withLimiter(source: RangeSource, limiter: RequestLimiter): ClosableSource {
  return withRequestPolicy(source, { limiter });
}
