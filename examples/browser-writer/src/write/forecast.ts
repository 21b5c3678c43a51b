import type { JobState } from "./job.js";

/** Size of the archive, as far as it can be told: from what a share of the data has come to, where nothing else is known. */
export function expectedTotal({ total, made, produced }: JobState): number | undefined {
  if (total !== undefined) return Math.max(total, produced);
  // Too little of it says nothing.
  return made >= 0.02 && produced > 0 ? produced / made : undefined;
}

/** Milliseconds until the present phase ends, at the present rate. */
export function timeLeft(state: JobState): number | undefined {
  const { phase, paused, rate, produced, uploaded } = state;
  const total = expectedTotal(state);
  if (paused || rate <= 0 || total === undefined) return undefined;
  if (phase === "writing") return ((total - produced) / rate) * 1000;
  return phase === "uploading" ? ((total - uploaded) / rate) * 1000 : undefined;
}
