import { AbortListeners } from "./abort-listeners.js";
import type { ByteRange } from "./byte-range.js";
import type { ClosableSource, RangeSource, ReadOptions } from "./range-source.js";
import { requestEvent } from "./request-event.js";
import { wrapRequests } from "./wrap-requests.js";

/** The network to simulate. */
export interface SlowSourceOptions {
  /** Time from a request to its first byte, in milliseconds. Default 50. */
  readonly latencyMs?: number | undefined;
  /** Maximum additional latency, random for each request. Default 0. */
  readonly jitterMs?: number | undefined;
  /** Bandwidth that all requests share, in bytes per millisecond. Default 10,000, which is 80 Mbit/s. */
  readonly bytesPerMs?: number | undefined;
  /** A number from 0 to 1. Default Math.random. */
  readonly random?: (() => number) | undefined;
  /** The clock, in milliseconds. Default performance.now. */
  readonly now?: (() => number) | undefined;
  /** Waits, or rejects with the signal's reason as soon as the signal aborts. */
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/**
 * Makes a source as slow as a remote one, to test and measure without a network. Every range is one request and emits one event.
 * A probe takes one latency for head and tail together.
 */
export function slowSource(source: RangeSource, options: SlowSourceOptions = {}): ClosableSource {
  const { latencyMs = 50, jitterMs = 0, bytesPerMs = 10_000 } = options;
  const listeners = new AbortListeners();
  const { random = Math.random, now = () => performance.now() } = options;
  const { sleep = (ms, signal) => listeners.sleep(ms, signal) } = options;
  /** When the last requested byte will have arrived. */
  let idleAt = 0;
  const delayed = async <T>(
    read: ReadOptions,
    send: (read: ReadOptions) => Promise<T>,
    sizeOf: (result: T) => number,
    range?: ByteRange,
  ): Promise<T> => {
    const { signal } = read;
    const startedAt = now();
    await sleep(latencyMs + random() * jitterMs, signal);
    const firstByteMs = now() - startedAt;
    const result = await send({ signal });
    const bytes = sizeOf(result);
    idleAt = Math.max(now(), idleAt) + bytes / bytesPerMs;
    await sleep(idleAt - now(), signal);
    const ms = now() - startedAt;
    read.onRequest?.(requestEvent(source.label, read, startedAt, { range, bytes, firstByteMs, ms }));
    return result;
  };
  return {
    ...wrapRequests(
      source,
      (send, read) => send(read),
      (inner) => slowSource(inner, options),
    ),
    local: false,
    probe: (want, read) =>
      delayed(
        { reason: "open", ...read },
        (inner) => source.probe(want, inner),
        ({ size, head, tail }) => Math.min(size, head.length + tail.length),
      ),
    read: (ranges, read) =>
      listeners.allOrNone(ranges, read?.signal, (range, signal) =>
        delayed(
          { ...read, signal },
          async (inner) => (await source.read([range], inner))[0]!,
          ({ length }) => length,
          range,
        ),
      ),
  };
}
