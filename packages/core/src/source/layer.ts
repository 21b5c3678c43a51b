import { eachOrNone } from "./abort.js";
import type { ByteRange, Probe, RangeSource, ReadOptions } from "./range-source.js";

/**
 * What a layer puts around one operation. `call` does the operation: it reads `range`, or the end of it that begins at
 * `from`; without a range the operation is first contact.
 */
export type Around = <T extends Probe | Uint8Array>(
  call: (options: ReadOptions, from?: number) => Promise<T>,
  options: ReadOptions,
  range?: ByteRange,
) => Promise<T>;

/** A source with something around first contact and around each range. `again` makes the layer of a reopened source. */
export function layer(
  source: RangeSource,
  around: Around,
  again: (inner: RangeSource) => RangeSource,
  limiter: RangeSource["limiter"] = source.limiter,
): RangeSource {
  return {
    label: source.label,
    local: source.local,
    limiter,
    probe: (want, options) => around((read) => source.probe(want, read), { reason: "open", ...options }),
    read: (ranges, options = {}) =>
      eachOrNone(ranges, options.signal, (range, signal) =>
        around(
          async (read, start = range.start) => (await source.read([{ start, end: range.end }], read))[0]!,
          // A lone range keeps the caller's own options, whose priority may rise while it waits.
          signal === options.signal ? options : { ...options, signal },
          range,
        ),
      ),
    pin: (state) => source.pin?.(state),
    ...(source.reopen && { reopen: () => again(source.reopen!()) }),
    close: async () => source.close?.(),
  };
}
