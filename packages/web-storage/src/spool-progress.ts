import type { ProgressListener, UploadProgress } from "@peekpack/s3";
import type { MeteredFetch } from "./metered-fetch.js";

/** Tells how far a spool has come, from its first byte to the finished object. */
export interface SpoolProgress {
  /** Merges what has changed, and tells it: at once, or where `soon` at most ten times a second. */
  update(change: Partial<Omit<UploadProgress, "rate">>, soon?: boolean): void;
  /** Stops listening to the meter. */
  end(): void;
}

const INTERVAL_MS = 100;
// A rate over the last few seconds follows the line, and does not jump with every part.
const WINDOW_MS = 5_000;

/** Makes a {@link SpoolProgress}. With a meter, bytes on their way count as uploaded, until they turn out not to be. */
export function spoolProgress(
  listener: ProgressListener | undefined,
  meter?: MeteredFetch | undefined,
): SpoolProgress {
  let state: Omit<UploadProgress, "rate"> = {
    phase: "writing",
    bytesProduced: 0,
    bytesUploaded: 0,
    totalBytes: undefined,
    parts: { uploaded: 0, total: undefined },
  };
  let samples: { readonly at: number; readonly bytes: number }[] = [];
  let told = Number.NEGATIVE_INFINITY;

  const tell = (): void => {
    const at = performance.now();
    told = at;
    const { phase, totalBytes = Number.POSITIVE_INFINITY, bytesProduced } = state;
    const bytesUploaded = Math.min(totalBytes, state.bytesUploaded + (meter?.inFlight ?? 0));
    samples.push({ at, bytes: phase === "writing" ? bytesProduced : bytesUploaded });
    while (samples.length > 2 && at - samples[0]!.at > WINDOW_MS) samples.shift();
    const [first, last] = [samples[0]!, samples.at(-1)!];
    const rate = at > first.at ? Math.max(0, ((last.bytes - first.bytes) * 1000) / (at - first.at)) : 0;
    listener?.({ ...state, bytesUploaded, rate });
  };
  const progress: SpoolProgress = {
    update(change, soon = false) {
      const turned = change.phase !== undefined && change.phase !== state.phase;
      if (turned) samples = [];
      state = { ...state, ...change };
      if (listener !== undefined && (turned || !soon || performance.now() - told >= INTERVAL_MS)) tell();
    },
    end: () => stop?.(),
  };
  const stop = listener === undefined ? undefined : meter?.listen(() => progress.update({}, true));
  return progress;
}
