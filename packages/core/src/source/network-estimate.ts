import type { RequestEvent } from "./request-event.js";

/** Estimated speed of the network. */
export interface NetworkEstimate {
  /** Time from a request to its first byte, in milliseconds. */
  readonly latencyMs: number;
  /** Bandwidth, in bytes per millisecond. */
  readonly bytesPerMs: number;
}

/** Weight of the latest request. It is high because the first request also opens a connection and should soon be forgotten. */
const weight = 0.4;
/** Shorter bodies arrive in one piece and say nothing about the bandwidth. */
const minBandwidthSample = 32_768;

/**
 * Estimates latency and bandwidth from the latest requests, the newest last. Without any, it assumes 50 ms and 80 Mbit/s: a home
 * connection to a distant store. Pure.
 */
export function estimateNetwork(events: readonly RequestEvent[]): NetworkEstimate {
  let latencyMs = 50;
  let bytesPerMs = 10_000;
  const average = (old: number, latest: number, min: number, max: number): number =>
    Math.min(max, Math.max(min, old + weight * (latest - old)));
  for (const { bytes, ms, firstByteMs } of events) {
    latencyMs = average(latencyMs, firstByteMs ?? (bytes < minBandwidthSample ? ms : latencyMs), 0.1, 5000);
    if (bytes >= minBandwidthSample) {
      const bodyMs = Math.max(0.1, ms - (firstByteMs ?? latencyMs));
      bytesPerMs = average(bytesPerMs, bytes / bodyMs, 10, 1_000_000);
    }
  }
  return { latencyMs, bytesPerMs };
}
