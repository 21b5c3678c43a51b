import { eachOrNone, pause } from "./abort.js";
import { layer } from "./layer.js";
import type { RangeSource, ReadOptions } from "./range-source.js";
import { requestEvent } from "./request-event.js";

/** The medium to imitate. */
export interface SlowSourceOptions {
  /** Time from a request to its first byte, in milliseconds. Default 50. */
  readonly latencyMs?: number | undefined;
  /** Up to so much longer, drawn evenly for each request. Default 0. */
  readonly jitterMs?: number | undefined;
  /** Rate that all requests share, in bytes a millisecond. Default 10,000, which is 80 Mbit/s. */
  readonly bytesPerMs?: number | undefined;
  /** A number from 0 to 1. Default Math.random. */
  readonly random?: (() => number) | undefined;
  /** The time, in milliseconds. Default performance.now. */
  readonly now?: (() => number) | undefined;
  /** Waits, or rejects with the signal's reason at once when that aborts. */
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/**
 * Makes a source as slow as a distant one: for trying out and measuring without a network. Every range is a request, and
 * told as one; first contact takes one latency for head and tail together.
 */
export function slowSource(source: RangeSource, options: SlowSourceOptions = {}): RangeSource {
  const { latencyMs = 50, jitterMs = 0, bytesPerMs = 10_000 } = options;
  const { random = Math.random, now = () => performance.now(), sleep = pause } = options;
  /** When the last byte under way will have arrived. */
  let free = 0;
  const delayed = async <T>(
    read: ReadOptions,
    work: (read: ReadOptions) => Promise<T>,
    sizeOf: (result: T) => number,
    range?: { readonly start: number; readonly end: number },
  ): Promise<T> => {
    const { signal } = read;
    const startedAt = now();
    await sleep(latencyMs + random() * jitterMs, signal);
    const firstByteMs = now() - startedAt;
    const result = await work({ signal });
    const bytes = sizeOf(result);
    free = Math.max(now(), free) + bytes / bytesPerMs;
    await sleep(free - now(), signal);
    const ms = now() - startedAt;
    read.onRequest?.(requestEvent(source.label, read, startedAt, { range, bytes, firstByteMs, ms }));
    return result;
  };
  return {
    ...layer(
      source,
      (call, read) => call(read),
      (inner) => slowSource(inner, options),
    ),
    local: false,
    probe: (want, read) =>
      delayed(
        { reason: "open", ...read },
        (heed) => source.probe(want, heed),
        ({ size, head, tail }) => Math.min(size, head.length + tail.length),
      ),
    read: (ranges, read) =>
      eachOrNone(ranges, read?.signal, (range, signal) =>
        delayed(
          { ...read, signal },
          async (heed) => (await source.read([range], heed))[0]!,
          ({ length }) => length,
          range,
        ),
      ),
  };
}
