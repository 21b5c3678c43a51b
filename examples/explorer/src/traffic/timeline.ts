import type { RequestEvent } from "@peekpack/core";

/** Idle stretches are cut down to this, in milliseconds: what waits for its reader would squeeze all else. */
const IDLE_MS = 40;

/** Places in time from 0 to 1, with idle stretches cut short. */
export interface Timeline {
  /** Milliseconds from end to end, what was cut left out. */
  readonly ms: number;
  place(time: number): number;
}

/** Makes the time axis of some requests, in the order in which they began. */
export function timeline(events: readonly Pick<RequestEvent, "startedAt" | "ms">[]): Timeline {
  /** Stretches in which something was under way: begin and end, and where the begin stands on the axis. */
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
    place(time) {
      let low = 0;
      let high = busy.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (busy[middle]!.from <= time) low = middle + 1;
        else high = middle;
      }
      const stretch = busy[low - 1];
      if (stretch === undefined) return 0;
      return (stretch.at + Math.min(time, stretch.to) - stretch.from) / whole;
    },
  };
}
