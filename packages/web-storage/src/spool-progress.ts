import type { ProgressListener, UploadProgress } from "@peekpack/s3";
import { progressReporter } from "@peekpack/s3/internal";
import type { MeteredFetch } from "./metered-fetch.js";

/** Reports the progress of a spool's upload. */
export interface SpoolProgress {
  /** Takes the progress of a write or of an upload. */
  update(progress: UploadProgress): void;
  /** Removes the listener from the meter. */
  end(): void;
}

/** Makes a {@link SpoolProgress}. With a meter, bytes in transfer count as uploaded, until their request fails. */
export function spoolProgress(
  listener: ProgressListener | undefined,
  meter: MeteredFetch | undefined,
): SpoolProgress {
  const reporter = progressReporter(listener);
  let confirmed = 0;
  const sent = (): number =>
    Math.min(confirmed + (meter?.inFlight ?? 0), reporter.now.totalBytes ?? Number.POSITIVE_INFINITY);
  let stop: (() => void) | undefined;
  return {
    update({ rate: _, ...progress }) {
      confirmed = progress.bytesUploaded;
      if (progress.phase === "writing") return reporter.update(progress);
      // Before, requests that the meter sees are of other uploads.
      stop ??= listener && meter?.listen(() => reporter.update({ bytesUploaded: sent() }, true));
      reporter.update({ ...progress, bytesUploaded: sent() });
    },
    end: () => stop?.(),
  };
}
