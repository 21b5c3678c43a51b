import type { RequestEvent } from "./request-event.js";

/** What a source's reads have cost so far. */
export interface ReadStats {
  /** Requests that left, retries included. */
  requests: number;
  /** Bytes that arrived. */
  bytes: number;
  /** Requests that were tries after the first. */
  retries: number;
  /** Requests that failed; those that their callers left are not among them. */
  failures: number;
  /** Ranges that memory answered. */
  cacheHits: number;
  /** Bytes that memory answered. */
  cacheBytes: number;
}

/** Nothing read yet. */
export function noReads(): ReadStats {
  return { requests: 0, bytes: 0, retries: 0, failures: 0, cacheHits: 0, cacheBytes: 0 };
}

/** Adds an event to what was counted. */
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
