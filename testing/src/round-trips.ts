import type { RequestEvent } from "@peekpack/core";

/** Counts round trips: the longest chain of network requests that each started after the previous one had ended. */
export function roundTrips(events: readonly Pick<RequestEvent, "from" | "startedAt" | "ms">[]): number {
  const sent = events.filter(({ from }) => from === "network").sort((a, b) => a.startedAt - b.startedAt);
  const depths: { readonly end: number; readonly depth: number }[] = [];
  for (const { startedAt, ms } of sent) {
    const before = depths.filter(({ end }) => end <= startedAt).map(({ depth }) => depth);
    depths.push({ end: startedAt + ms, depth: 1 + Math.max(0, ...before) });
  }
  return Math.max(0, ...depths.map(({ depth }) => depth));
}
