import { TimeSlice } from "@peekpack/core/internal";

/** Work on many numbers that pauses now and then, and gives its result at the end. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Numbers that are worked on between two pauses. */
export const STEP = 65_536;

/** Does the work in one go. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Does the work in slices, between which the page stays responsive. @throws the signal's reason */
export async function inSlices<T>(steps: Steps<T>, signal: AbortSignal): Promise<T> {
  const slice = new TimeSlice();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await slice.next(signal);
  }
}
