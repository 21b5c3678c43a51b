import type { RequestListener } from "./request-event.js";

/** How far reading is. */
export interface ReadProgress {
  /** Bytes that have arrived, those of failed requests and of gaps between ranges included. At most `totalBytes`. */
  readonly bytesRead: number;
  /** Bytes that are expected, as the caller has said. Undefined if unknown. */
  readonly totalBytes: number | undefined;
}

/**
 * Makes a listener that adds up the bytes of requests: `archive.read(path, { onRequest: readProgress(onProgress) })`. For a source in
 * memory or in a file, which makes no requests, put {@link withEvents} around it, with this listener.
 *
 * @param onProgress called after each request. It must not throw.
 * @param totalBytes bytes that are expected, such as `archive.info.size` for a whole archive
 */
export function readProgress(
  onProgress: (progress: ReadProgress) => void,
  totalBytes?: number,
): RequestListener {
  let bytesRead = 0;
  return ({ bytes }) => {
    if (bytes === 0) return;
    bytesRead = Math.min(bytesRead + bytes, totalBytes ?? Number.POSITIVE_INFINITY);
    onProgress({ bytesRead, totalBytes });
  };
}
