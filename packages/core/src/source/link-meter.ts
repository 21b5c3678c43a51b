import type { RequestEvent } from "./request-event.js";

/** What is known of the way to an object, from the requests made so far. */
export interface LinkMeter {
  /** What a request takes to its first byte, in milliseconds. */
  readonly latencyMs: number;
  /** How fast a body arrives. */
  readonly bytesPerMs: number;
  /** Learns from a request. */
  observe(event: RequestEvent): void;
}

/** How much the latest request counts: the first one opens a connection as well, and is soon forgotten. */
const weight = 0.4;
/** Shorter bodies arrive in one piece, and tell nothing about the rate. */
const telling = 32_768;

/** Makes a {@link LinkMeter} that begins with a home's connection to a distant store: 50 ms, 80 Mbit/s. */
export function linkMeter(): LinkMeter {
  let latencyMs = 50;
  let bytesPerMs = 10_000;
  const learn = (old: number, now: number, least: number, most: number): number =>
    Math.min(most, Math.max(least, old + weight * (now - old)));
  return {
    get latencyMs() {
      return latencyMs;
    },
    get bytesPerMs() {
      return bytesPerMs;
    },
    observe({ from, error, bytes, ms, firstByteMs }) {
      if (from === "cache" || error !== undefined) return;
      latencyMs = learn(latencyMs, firstByteMs ?? (bytes < telling ? ms : latencyMs), 0.1, 5000);
      if (bytes >= telling) {
        bytesPerMs = learn(bytesPerMs, bytes / Math.max(0.1, ms - (firstByteMs ?? latencyMs)), 10, 1_000_000);
      }
    },
  };
}
