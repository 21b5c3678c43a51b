import type { ProgressListener, UploadProgress } from "@peekpack/s3";
import { progressReporter } from "@peekpack/s3/internal";
import type { MeteredFetch } from "./metered-fetch.js";

/** Tells how far the upload of a spool has come. */
export interface UploadingProgress {
  /** Takes what `uploadContent` tells. */
  update(progress: UploadProgress): void;
  /** Stops listening to the meter. */
  end(): void;
}

/** Makes an {@link UploadingProgress}. With a meter, bytes on their way count as uploaded, until they turn out not to be. */
export function uploadingProgress(
  listener: ProgressListener | undefined,
  meter: MeteredFetch | undefined,
): UploadingProgress {
  const reporter = progressReporter(listener);
  let confirmed = 0;
  const seen = (): number =>
    Math.min(confirmed + (meter?.inFlight ?? 0), reporter.now.totalBytes ?? Number.POSITIVE_INFINITY);
  const stop = listener && meter?.listen(() => reporter.update({ bytesUploaded: seen() }, true));
  return {
    update({ rate: _, ...progress }) {
      confirmed = progress.bytesUploaded;
      reporter.update({ ...progress, bytesUploaded: seen() });
    },
    end: () => stop?.(),
  };
}
