export type { RetryOptions } from "./backoff.js";
export { type BlobSourceOptions, blobSource } from "./blob-source.js";
export { type BytesSourceOptions, bytesSource } from "./bytes-source.js";
export { type HttpSourceOptions, httpSource } from "./http-source.js";
export { type ObjectSourceOptions, objectSource } from "./object-source.js";
export {
  type CachedObject,
  type CachedPiece,
  type PersistentCache,
  type PersistentCacheOptions,
  type RangeCache,
  type RangeCacheOptions,
  withRangeCache,
} from "./range-cache.js";
export type {
  ByteRange,
  ClosableSource,
  LongTail,
  Probe,
  ProbeRequest,
  RangeSource,
  ReadOptions,
} from "./range-source.js";
export type { RangeTransport, Refusal, TransportRequest, TransportResponse } from "./range-transport.js";
export { isReadEngine, type ReadEngine, type ReadEngineOptions, readEngine } from "./read-engine.js";
export { type ReadProgress, readProgress } from "./read-progress.js";
export type { ReadStats } from "./read-stats.js";
export type { ReadReason, RequestEvent, RequestListener } from "./request-event.js";
export { type RequestLimiter, requestLimiter } from "./request-limiter.js";
export { type SchedulerOptions, withScheduler } from "./scheduler.js";
export { withEvents } from "./with-events.js";
export { withLimiter } from "./with-limiter.js";
export { withRetry } from "./with-retry.js";
