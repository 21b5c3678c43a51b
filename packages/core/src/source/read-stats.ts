import type { RequestEvent } from "./request-event.js";

/** Totals of a source's reads so far. */
export interface ReadStats {
  /** Requests that were sent, retries included. */
  requests: number;
  /** Bytes that arrived. */
  bytes: number;
  /** Requests after the first attempt. */
  retries: number;
  /** Requests that failed. Aborted requests do not count. */
  failures: number;
  /** Ranges that the cache served. */
  cacheHits: number;
  /** Bytes that the cache served. */
  cacheBytes: number;
}

/** Makes a {@link ReadStats} of zeros. */
export function emptyStats(): ReadStats {
  return { requests: 0, bytes: 0, retries: 0, failures: 0, cacheHits: 0, cacheBytes: 0 };
}

/** Adds an event to the totals. */
export function countRequest(stats: ReadStats, { from, bytes, attempt, error }: RequestEvent): void {
  if (from === "cache") {
    stats.cacheHits++;
    stats.cacheBytes += bytes;
    return;
  }
  stats.requests++;
  stats.bytes += bytes;
  if (attempt > 1) stats.retries++;
  if (error !== undefined && error !== "aborted") stats.failures++;
}
