import { isPeekpackError } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import type { CommitOptions } from "@peekpack/s3/internal";

// Not every browser emits `online` in workers: poll as well.
const POLL_MS = 2_000;

/**
 * Makes an upload target wait while the browser is offline, for any length of time. A request that failed while the browser
 * was offline is repeated when it is online again.
 */
export function withOfflineRetry(target: UploadTarget): UploadTarget {
  const retry = async <T>(
    signal: AbortSignal | undefined,
    request: (again: boolean) => Promise<T>,
  ): Promise<T> => {
    for (let again = false; ; again = true) {
      await whenOnline(signal);
      const watch = watchOffline();
      try {
        return await request(again);
      } catch (error) {
        signal?.throwIfAborted();
        // Foreign errors count too: a presigner of the caller fails offline as well.
        const mayBeOffline = !isPeekpackError(error) || error.code === "network";
        if (!mayBeOffline || !watch.wasOffline()) throw error;
      } finally {
        watch.end();
      }
    }
  };
  /** A request without a response may have been committed. */
  const commit = (options: CommitOptions | undefined, again: boolean): CommitOptions => ({
    ...options,
    again: again || options?.again,
  });
  return {
    label: target.label,
    put: target.put,
    putObject: (body, options) =>
      retry(options?.signal, (again) => target.putObject(body, commit(options, again))),
    createUpload: (options) => retry(options?.signal, () => target.createUpload(options)),
    uploadPart: (upload, number, body, options) =>
      retry(options?.signal, () => target.uploadPart(upload, number, body, options)),
    listParts: (upload, options) => retry(options?.signal, () => target.listParts(upload, options)),
    completeUpload: (upload, parts, options) =>
      retry(options?.signal, (again) => target.completeUpload(upload, parts, commit(options, again))),
    // A failed write aborts its upload: it must not wait for the network. What is left is recorded, and removed later.
    abortUpload: (upload, options) => target.abortUpload(upload, options),
  };
}

function isOffline(): boolean {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.onLine === false;
}

/** Resolves when the browser is online. Rejects with the signal's reason when the signal aborts. */
function whenOnline(signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (!isOffline()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const check = (): void => {
      if (!isOffline()) settle(resolve);
    };
    const abort = (): void => settle(() => reject(signal?.reason));
    const timer = setInterval(check, POLL_MS);
    const settle = (outcome: () => void): void => {
      clearInterval(timer);
      globalThis.removeEventListener("online", check);
      signal?.removeEventListener("abort", abort);
      outcome();
    };
    globalThis.addEventListener("online", check);
    signal?.addEventListener("abort", abort);
  });
}

/** Records whether the browser goes offline. */
function watchOffline(): { wasOffline(): boolean; end(): void } {
  let offline = false;
  const record = (): void => {
    offline = true;
  };
  globalThis.addEventListener?.("offline", record);
  return {
    wasOffline: () => offline || isOffline(),
    end: () => globalThis.removeEventListener?.("offline", record),
  };
}
