import { withLatePlanner } from "./late-planner.js";
import type { RangeSource } from "./range-source.js";
import { countRequest, noReads, type ReadStats } from "./read-stats.js";
import type { RequestListener } from "./request-event.js";
import { requestLimiter } from "./request-limiter.js";
import { withRequests } from "./requests.js";
import type { RetryOptions } from "./retrying.js";
import type { SchedulerOptions } from "./scheduler.js";

/** How the read engine works. Everything has a default. */
export interface ReadEngineOptions extends SchedulerOptions {
  /** How requests are repeated; `false` for never. */
  readonly retry?: RetryOptions | false | undefined;
  /** How many requests may be under way at once, where the source brings no limiter. Default 6 in a browser, else 32. */
  readonly concurrency?: number | undefined;
  /** Told of every request, and of every range that memory answers. Reads of a local source are neither. */
  readonly onRequest?: RequestListener | undefined;
}

/** A source with the read engine around it. */
export interface ReadEngine extends RangeSource {
  /** What reads have cost so far; goes on counting, also through `reopen`. Zero for a local source. */
  readonly stats: Readonly<ReadStats>;
}

/**
 * Puts the whole engine around a source: a limit of concurrency requests, retries, then merging, caching and read-ahead. A
 * local source (memory, Blob, file) stays as it is: its reads are no requests.
 */
export function readEngine(source: RangeSource, options: ReadEngineOptions = {}): ReadEngine {
  return engineWith(source, options, noReads());
}

function engineWith(source: RangeSource, options: ReadEngineOptions, stats: ReadStats): ReadEngine {
  const { onRequest, retry = {}, concurrency = globalThis.location === undefined ? 32 : 6 } = options;
  const engine = source.local
    ? source
    : withLatePlanner(
        withRequests(source, {
          limiter: source.limiter ?? requestLimiter(concurrency),
          retry: retry || undefined,
        }),
        options,
        (event) => {
          countRequest(stats, event);
          onRequest?.(event);
        },
      );
  return {
    label: source.label,
    local: source.local,
    limiter: engine.limiter,
    probe: (want, read) => engine.probe(want, read),
    read: (ranges, read) => engine.read(ranges, read),
    pin: (state) => engine.pin?.(state),
    close: async () => engine.close?.(),
    ...(source.reopen && { reopen: () => engineWith(source.reopen!(), options, stats) }),
    stats,
  };
}

/** Whether a source has the read engine around it already. */
export function isReadEngine(source: RangeSource): source is ReadEngine {
  return "stats" in source;
}
