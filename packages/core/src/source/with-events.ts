import type { RangeSource } from "./range-source.js";
import type { RequestListener } from "./request-event.js";
import { withRequests } from "./requests.js";

/**
 * Tells `listener` of every request that reads lead to. Where the source below does not speak of its requests, each
 * range that is read counts as one.
 */
export function withEvents(source: RangeSource, listener?: RequestListener): RangeSource {
  return withRequests(source, { listener });
}
