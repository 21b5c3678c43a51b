import type { JobState } from "./job-state.js";

/** Size of the archive. If it is not known, it is estimated from the share of the data that was written. */
export function expectedTotal({ total, made, produced }: JobState): number | undefined {
  if (total !== undefined) return Math.max(total, produced);
  // A small share says nothing.
  return made >= 0.02 && produced > 0 ? produced / made : undefined;
}

/** Milliseconds until the current phase ends, at the current rate. */
export function timeLeft(state: JobState): number | undefined {
  const { phase, paused, rate, produced, uploaded } = state;
  const total = expectedTotal(state);
  if (paused || rate <= 0 || total === undefined) return undefined;
  if (phase === "writing") return ((total - produced) / rate) * 1000;
  return phase === "uploading" ? ((total - uploaded) / rate) * 1000 : undefined;
}
