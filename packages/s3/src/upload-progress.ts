/** The progress of a write. */
export interface UploadProgress {
  /** `writing` while the archive is produced, then `uploading`, `completing` and `done`. */
  readonly phase: "writing" | "uploading" | "completing" | "done";
  /** Bytes of the archive that have been produced. */
  readonly bytesProduced: number;
  /** Bytes of the archive that the server has confirmed. */
  readonly bytesUploaded: number;
  /** Size of the archive, as soon as it is known. */
  readonly totalBytes: number | undefined;
  /** Parts that the server has confirmed, and their final number, as soon as it is known. */
  readonly parts: { readonly uploaded: number; readonly total: number | undefined };
  /** Recent bytes per second: produced in phase `writing`, else uploaded. */
  readonly rate: number;
}

/** Called at every confirmed part and every change of phase, and at most ten times a second while writing. */
export type ProgressListener = (progress: UploadProgress) => void;

/** Keeps the progress of a write and emits its changes. */
export interface ProgressReporter {
  /** Merges a change and emits the progress: at once, or if `throttled`, at most ten times a second. */
  update(change: Partial<Omit<UploadProgress, "rate">>, throttled?: boolean): void;
  readonly now: UploadProgress;
}

const INTERVAL_MS = 100;
// Long enough that the rate does not jump with every part.
const RATE_WINDOW_MS = 5000;

/** Makes a reporter. Without a listener it only keeps the progress. */
export function progressReporter(
  listener: ProgressListener | undefined,
  start: Partial<UploadProgress> = {},
): ProgressReporter {
  let progress: UploadProgress = {
    phase: "writing",
    bytesProduced: 0,
    bytesUploaded: 0,
    totalBytes: undefined,
    parts: { uploaded: 0, total: undefined },
    rate: 0,
    ...start,
  };
  let emittedAt = Number.NEGATIVE_INFINITY;
  let samples: { readonly at: number; readonly bytes: number }[] = [];

  const rate = (at: number): number => {
    const bytes = progress.phase === "writing" ? progress.bytesProduced : progress.bytesUploaded;
    samples.push({ at, bytes });
    while (samples.length > 2 && at - samples[0]!.at > RATE_WINDOW_MS) samples.shift();
    const first = samples[0]!;
    return at > first.at ? Math.max(0, ((bytes - first.bytes) * 1000) / (at - first.at)) : 0;
  };
  return {
    update(change, throttled = false) {
      if (change.phase !== undefined && change.phase !== progress.phase) {
        samples = [];
        throttled = false;
      }
      // The parts of an earlier process count as uploaded as soon as the parts are listed. They say nothing about the rate.
      const listed = progress.parts.total === undefined && change.parts?.total !== undefined;
      if (listed && progress.phase === "uploading") samples = [];
      progress = { ...progress, ...change };
      const at = performance.now();
      if (listener === undefined || (throttled && at - emittedAt < INTERVAL_MS)) return;
      emittedAt = at;
      progress = { ...progress, rate: rate(at) };
      listener(progress);
    },
    get now() {
      return progress;
    },
  };
}
