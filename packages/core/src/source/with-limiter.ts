import { layer } from "./layer.js";
import type { RangeSource } from "./range-source.js";
import type { RequestLimiter } from "./request-limiter.js";

/** Lets each range wait for its turn in `limiter`. First contact takes one turn. */
export function withLimiter(source: RangeSource, limiter: RequestLimiter): RangeSource {
  return layer(
    source,
    (call, options) => limiter.run(() => call(options), options),
    (inner) => withLimiter(inner, limiter),
    limiter,
  );
}
