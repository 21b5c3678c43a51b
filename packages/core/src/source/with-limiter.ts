import type { RangeSource } from "./range-source.js";
import type { RequestLimiter } from "./request-limiter.js";
import { withRequests } from "./requests.js";

/** Lets each range wait for its turn in `limiter`. First contact takes one turn. */
export function withLimiter(source: RangeSource, limiter: RequestLimiter): RangeSource {
  return withRequests(source, { limiter });
}
