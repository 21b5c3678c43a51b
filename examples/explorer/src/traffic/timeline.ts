import type { RequestEvent } from "@peekpack/core";

/** Idle time between requests is cut to this many milliseconds. */
const IDLE_MS = 40;

/** A time axis from 0 to 1 with little idle time. */
export interface Timeline {
  /** Milliseconds from end to end, without the idle time that was cut. */
  readonly ms: number;
  /** The position of a time on the axis. */
  position(time: number): number;
}

/** Makes the time axis of some requests. */
export function timeline(events: readonly Pick<RequestEvent, "startedAt" | "ms">[]): Timeline {
  /** Intervals with active requests: begin, end, and the position of the begin on the axis. */
  const busy: { from: number; to: number; at: number }[] = [];
  let length = 0;
  for (const { startedAt, ms } of [...events].sort((a, b) => a.startedAt - b.startedAt)) {
    const last = busy.at(-1);
    const end = startedAt + ms;
    if (last !== undefined && startedAt <= last.to + IDLE_MS) {
      if (end > last.to) {
        length += end - last.to;
        last.to = end;
      }
    } else {
      length += last === undefined ? 0 : IDLE_MS;
      busy.push({ from: startedAt, to: end, at: length });
      length += ms;
    }
  }
  const whole = Math.max(1, length);
  return {
    ms: length,
    position(time) {
      let low = 0;
      let high = busy.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (busy[middle]!.from <= time) low = middle + 1;
        else high = middle;
      }
      const interval = busy[low - 1];
      if (interval === undefined) return 0;
      return (interval.at + Math.min(time, interval.to) - interval.from) / whole;
    },
  };
}
