import { type ArchiveSink, PeekpackError } from "@peekpack/core";
import { type DisposableSink, disposableSink } from "./disposable-sink.js";
import type { PutMode, UploadTarget } from "./upload-target.js";

/** A value that is made when it is first needed. */
export interface Deferred<T> {
  /** Makes the value, or returns the one that was made. After a failure the next call makes it again. */
  get(): Promise<T>;
  /** The value, if it was needed. */
  readonly made: Promise<T> | undefined;
}

/** Defers `make` to the first `get`. */
export function deferred<T>(make: () => Promise<T>): Deferred<T> {
  let made: Promise<T> | undefined;
  return {
    get() {
      made ??= make().catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    },
    get made() {
      return made;
    },
  };
}

/** A target that is made at its first request. */
export function deferredTarget(label: string, put: PutMode, make: () => Promise<UploadTarget>): UploadTarget {
  const target = deferred(make);
  return {
    label,
    put,
    putObject: async (...args) => (await target.get()).putObject(...args),
    createUpload: async (...args) => (await target.get()).createUpload(...args),
    uploadPart: async (...args) => (await target.get()).uploadPart(...args),
    // Every target of a store can copy.
    copyPart: async (...args) => (await target.get()).copyPart!(...args),
    listParts: async (...args) => (await target.get()).listParts(...args),
    completeUpload: async (...args) => (await target.get()).completeUpload(...args),
    abortUpload: async (...args) => (await target.get()).abortUpload(...args),
  };
}

/** A sink that is made at its first write. If that fails, the sink is closed, as the chunk is lost. */
export function deferredSink(label: string, make: () => Promise<ArchiveSink>): DisposableSink {
  let sink: Promise<ArchiveSink> | undefined;
  let closed = false;
  const open = async (): Promise<ArchiveSink> => {
    if (closed) throw new PeekpackError("closed", "This sink is closed.", { section: "sink" });
    sink ??= make().catch((error: unknown) => {
      closed = true;
      throw error;
    });
    return sink;
  };
  return disposableSink({
    label,
    copies: true,
    write: async (chunk) => (await open()).write(chunk),
    finish: async (header) => (await open()).finish(header),
    async abort(reason) {
      closed = true;
      await (await sink?.catch(() => undefined))?.abort(reason);
    },
  });
}
