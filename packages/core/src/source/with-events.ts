import type { ClosableSource, RangeSource } from "./range-source.js";
import type { RequestListener } from "./request-event.js";
import { withRequestPolicy } from "./request-policy.js";

/** Calls `listener` for every request of a source. If the source emits no events, each range counts as one request. */
export function withEvents(source: RangeSource, listener?: RequestListener): ClosableSource {
  return withRequestPolicy(source, { listener });
}
