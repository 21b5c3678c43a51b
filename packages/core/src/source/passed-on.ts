import type { RangeSource } from "./range-source.js";

/** What a wrapper takes over from the source below as it is. */
export function passedOn(
  source: RangeSource,
  wrap: (inner: RangeSource) => RangeSource,
): Pick<RangeSource, "label" | "local" | "limiter" | "reopen" | "close"> {
  const { label, local, limiter } = source;
  return {
    label,
    local,
    limiter,
    ...(source.reopen && { reopen: () => wrap(source.reopen!()) }),
    close: async () => source.close?.(),
  };
}
