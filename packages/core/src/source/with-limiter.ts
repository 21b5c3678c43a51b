import { eachOrNone } from "./abort.js";
import { passedOn } from "./passed-on.js";
import type { RangeSource } from "./range-source.js";
import type { RequestLimiter } from "./request-limiter.js";

/** Lets each range wait for its turn in `limiter`. First contact takes one turn. */
export function withLimiter(source: RangeSource, limiter: RequestLimiter): RangeSource {
  return {
    ...passedOn(source, (inner) => withLimiter(inner, limiter)),
    limiter,
    probe: (want, options) => limiter.run(() => source.probe(want, options), options),
    read: (ranges, options) =>
      eachOrNone(ranges, options?.signal, async (range, signal) => {
        const heed = { ...options, signal };
        const [bytes] = await limiter.run(() => source.read([range], heed), heed);
        return bytes!;
      }),
  };
}
