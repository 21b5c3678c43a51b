import type { RequestEvent } from "./request-event.js";

/** What is known of the way to an object. */
export interface LinkSpeed {
  /** What a request takes to its first byte, in milliseconds. */
  readonly latencyMs: number;
  /** How fast a body arrives. */
  readonly bytesPerMs: number;
}

/** How much the latest request counts: the first one opens a connection as well, and is soon forgotten. */
const weight = 0.4;
/** Shorter bodies arrive in one piece, and tell nothing about the rate. */
const telling = 32_768;

/**
 * What the requests made so far, the latest last, tell about the way. Without any: a home's connection to a distant store,
 * 50 ms, 80 Mbit/s. Pure.
 */
export function linkSpeed(events: readonly RequestEvent[]): LinkSpeed {
  let latencyMs = 50;
  let bytesPerMs = 10_000;
  const learn = (old: number, now: number, least: number, most: number): number =>
    Math.min(most, Math.max(least, old + weight * (now - old)));
  for (const { bytes, ms, firstByteMs } of events) {
    latencyMs = learn(latencyMs, firstByteMs ?? (bytes < telling ? ms : latencyMs), 0.1, 5000);
    if (bytes >= telling) {
      bytesPerMs = learn(bytesPerMs, bytes / Math.max(0.1, ms - (firstByteMs ?? latencyMs)), 10, 1_000_000);
    }
  }
  return { latencyMs, bytesPerMs };
}
