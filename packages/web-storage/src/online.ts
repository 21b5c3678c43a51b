import { isPeekpackError } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import type { CommitOptions } from "@peekpack/s3/internal";

// Not every browser tells a worker that it is online again.
const LOOK_AGAIN_MS = 2_000;

/**
 * An upload target that waits while the browser is offline: a request that failed meanwhile is made again when it is
 * back. How long that takes does not matter.
 */
export function onlineTarget(target: UploadTarget): UploadTarget {
  const patiently = async <T>(
    signal: AbortSignal | undefined,
    request: (again: boolean) => Promise<T>,
  ): Promise<T> => {
    for (let again = false; ; again = true) {
      await online(signal);
      const line = watchLine();
      try {
        return await request(again);
      } catch (error) {
        signal?.throwIfAborted();
        // Also what the target's caller was asked for, as a presigned URL, may have failed for the same reason.
        const failed = !isPeekpackError(error) || error.code === "network";
        if (!failed || !line.broken()) throw error;
      } finally {
        line.end();
      }
    }
  };
  /** A request without an answer may have taken effect. */
  const commit = (options: CommitOptions | undefined, again: boolean): CommitOptions => ({
    ...options,
    again: again || options?.again,
  });
  return {
    label: target.label,
    put: target.put,
    putObject: (body, options) =>
      patiently(options?.signal, (again) => target.putObject(body, commit(options, again))),
    createUpload: (options) => patiently(options?.signal, () => target.createUpload(options)),
    uploadPart: (upload, number, body, options) =>
      patiently(options?.signal, () => target.uploadPart(upload, number, body, options)),
    listParts: (upload, options) => patiently(options?.signal, () => target.listParts(upload, options)),
    completeUpload: (upload, parts, options) =>
      patiently(options?.signal, (again) => target.completeUpload(upload, parts, commit(options, again))),
    abortUpload: (upload, options) => patiently(options?.signal, () => target.abortUpload(upload, options)),
  };
}

function isOffline(): boolean {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.onLine === false;
}

/** Resolves when the browser is online; rejects with the signal's reason when that aborts. */
export function online(signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (!isOffline()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!isOffline()) end(resolve);
    };
    const leave = (): void => end(() => reject(signal?.reason));
    const timer = setInterval(look, LOOK_AGAIN_MS);
    const end = (settle: () => void): void => {
      clearInterval(timer);
      globalThis.removeEventListener("online", look);
      signal?.removeEventListener("abort", leave);
      settle();
    };
    globalThis.addEventListener("online", look);
    signal?.addEventListener("abort", leave);
  });
}

/** Watches whether the browser goes offline. */
function watchLine(): { broken(): boolean; end(): void } {
  let broken = false;
  const note = (): void => {
    broken = true;
  };
  globalThis.addEventListener?.("offline", note);
  return {
    broken: () => broken || isOffline(),
    end: () => globalThis.removeEventListener?.("offline", note),
  };
}
