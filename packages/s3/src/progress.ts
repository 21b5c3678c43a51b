/** How far a write has come. */
export interface UploadProgress {
  /** `writing` while the archive is being made, `uploading` while it goes up, `completing`, and `done`. */
  readonly phase: "writing" | "uploading" | "completing" | "done";
  /** Bytes of the archive that have been made. */
  readonly bytesProduced: number;
  /** Bytes of the archive that the server has confirmed. */
  readonly bytesUploaded: number;
  /** Size of the archive, once it is known. */
  readonly totalBytes: number | undefined;
  /** Parts that the server has confirmed, and how many there will be, once that is known. */
  readonly parts: { readonly uploaded: number; readonly total: number | undefined };
  /** Bytes a second of late: made while writing, else uploaded. */
  readonly rate: number;
}

/** Told of progress: at every confirmed part, every change of phase, and while writing at most ten times a second. */
export type ProgressListener = (progress: UploadProgress) => void;

/** Collects what makes progress and tells it on. */
export interface ProgressReporter {
  /** Merges what has changed and tells it: at once, or where `soon` at most ten times a second. */
  update(change: Partial<Omit<UploadProgress, "rate">>, soon?: boolean): void;
  readonly now: UploadProgress;
}

const INTERVAL_MS = 100;
// A rate over the last few seconds follows the line, and does not jump with every part.
const WINDOW_MS = 5000;

/** Makes a reporter. Without a listener it only keeps count. */
export function progressReporter(
  listener: ProgressListener | undefined,
  start: Partial<UploadProgress> = {},
): ProgressReporter {
  let state: UploadProgress = {
    phase: "writing",
    bytesProduced: 0,
    bytesUploaded: 0,
    totalBytes: undefined,
    parts: { uploaded: 0, total: undefined },
    rate: 0,
    ...start,
  };
  let told = Number.NEGATIVE_INFINITY;
  let samples: { readonly at: number; readonly bytes: number }[] = [];

  const rate = (at: number): number => {
    const bytes = state.phase === "writing" ? state.bytesProduced : state.bytesUploaded;
    samples.push({ at, bytes });
    while (samples.length > 2 && at - samples[0]!.at > WINDOW_MS) samples.shift();
    const first = samples[0]!;
    return at > first.at ? Math.max(0, ((bytes - first.bytes) * 1000) / (at - first.at)) : 0;
  };
  return {
    update(change, soon = false) {
      if (change.phase !== undefined && change.phase !== state.phase) {
        samples = [];
        soon = false;
      }
      state = { ...state, ...change };
      const at = performance.now();
      if (listener === undefined || (soon && at - told < INTERVAL_MS)) return;
      told = at;
      state = { ...state, rate: rate(at) };
      listener(state);
    },
    get now() {
      return state;
    },
  };
}
