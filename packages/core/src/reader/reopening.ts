import { isPeekpackError } from "../errors.js";
import type { OpenState, Reopen } from "./archive.js";

/** Whether an error says that the object is no longer the one first seen. */
export function isChange(error: unknown): boolean {
  return isPeekpackError(error) && error.code === "changed";
}

/** Makes a {@link Reopen} of what opens an archive once. */
export function reopening(open: (now: OpenState) => Promise<OpenState>): Reopen {
  let opening: Promise<OpenState> | undefined;
  return async (error, before, now) => {
    if (!isChange(error)) throw error;
    if (now !== before) return now;
    // All who met the change share one reopening; a second change in a row is the caller's to know.
    opening ??= open(before)
      .then((state) => ({ ...state, before }))
      .finally(() => {
        opening = undefined;
      });
    return opening;
  };
}
