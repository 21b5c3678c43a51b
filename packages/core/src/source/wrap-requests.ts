import { disposable } from "../disposable.js";
import { AbortListeners } from "./abort-listeners.js";
import type { ByteRange } from "./byte-range.js";
import type { ClosableSource, Probe, RangeSource, ReadOptions } from "./range-source.js";

/**
 * Wraps one operation. `send` does the operation: it reads `range`, or the rest of it from `start` on. Without a range the
 * operation is a probe.
 */
export type RequestWrapper = <T extends Probe | Uint8Array>(
  send: (options: ReadOptions, start?: number) => Promise<T>,
  options: ReadOptions,
  range?: ByteRange,
) => Promise<T>;

/** Wraps the probe and each range of a source. `rewrap` wraps a reopened source. */
export function wrapRequests(
  source: RangeSource,
  wrapper: RequestWrapper,
  rewrap: (inner: RangeSource) => RangeSource,
  limiter: RangeSource["limiter"] = source.limiter,
): ClosableSource {
  const listeners = new AbortListeners();
  return disposable<ClosableSource>({
    label: source.label,
    local: source.local,
    limiter,
    probe: (want, options) => wrapper((read) => source.probe(want, read), { reason: "open", ...options }),
    read: (ranges, options = {}) =>
      listeners.allOrNone(ranges, options.signal, (range, signal) =>
        wrapper(
          async (read, start = range.start) => (await source.read([{ start, end: range.end }], read))[0]!,
          // A single range keeps the caller's own options, whose priority may rise while it waits.
          signal === options.signal ? options : { ...options, signal },
          range,
        ),
      ),
    ...(source.pin && { pin: (state) => source.pin!(state) }),
    ...(source.reopen && { reopen: () => rewrap(source.reopen!()) }),
    close: async () => source.close?.(),
  });
}
