import { disposable } from "../disposable.js";
import type { RetryOptions } from "./backoff.js";
import { pageUrl } from "./environment.js";
import type { ClosableSource, RangeSource } from "./range-source.js";
import { countRequest, emptyStats, type ReadStats } from "./read-stats.js";
import type { RequestListener } from "./request-event.js";
import { requestLimiter } from "./request-limiter.js";
import { withRequestPolicy } from "./request-policy.js";
import { type SchedulerOptions, withScheduler } from "./scheduler.js";

/** Options of {@link readEngine}. Everything has a default. */
export interface ReadEngineOptions extends SchedulerOptions {
  /** How requests are retried; `false`: never. */
  readonly retry?: RetryOptions | false | undefined;
  /** Maximum number of requests in flight, unless the source has a limiter. Default 6 in a browser, else 64. */
  readonly concurrency?: number | undefined;
  /** Called for every request and for every range that the cache serves. Reads of a local source are neither. */
  readonly onRequest?: RequestListener | undefined;
}

/** A source with the read engine around it. */
export interface ReadEngine extends ClosableSource {
  /** Totals of the reads so far, also of engines that `reopen` made. Zero for a local source. */
  readonly stats: Readonly<ReadStats>;
}

/** Registered, so that two copies of this package recognize each other's engines. */
const brand: unique symbol = Symbol.for("peekpack.readEngine");

/**
 * Puts the read engine around a source: a limit on concurrent requests, retries, then the scheduler, which coalesces, caches and
 * reads ahead. A local source (memory, Blob, file) gets none of these: its reads are no requests.
 */
export function readEngine(source: RangeSource, options: ReadEngineOptions = {}): ReadEngine {
  const { onRequest, retry = {}, concurrency = pageUrl() ? 6 : 64 } = options;
  const stats = emptyStats();
  if (source.local) return asReadEngine(source, stats);
  const requests = withRequestPolicy(source, {
    limiter: source.limiter ?? requestLimiter(concurrency),
    retry: retry || undefined,
  });
  const scheduler = withScheduler(requests, options, (event) => {
    countRequest(stats, event);
    onRequest?.(event);
  });
  return asReadEngine(scheduler, stats);
}

interface BrandedEngine extends ReadEngine {
  readonly [brand]: true;
}

/** Whether a source is a {@link ReadEngine}, also of another copy of this package. */
export function isReadEngine(source: RangeSource): source is ReadEngine {
  return (source as Partial<BrandedEngine>)[brand] === true;
}

/** Marks a source as an engine, around which `openArchive` puts no other. For wrappers that have an engine below them. */
export function asReadEngine(source: RangeSource, stats: ReadStats): ReadEngine {
  return disposable<BrandedEngine>({
    label: source.label,
    local: source.local,
    limiter: source.limiter,
    probe: (want, read) => source.probe(want, read),
    read: (ranges, read) => source.read(ranges, read),
    ...(source.pin && { pin: (state) => source.pin!(state) }),
    ...(source.reopen && { reopen: () => asReadEngine(source.reopen!(), stats) }),
    close: async () => source.close?.(),
    stats,
    [brand]: true,
  });
}
