import type { ArchiveSink } from "@peekpack/core";
import { disposable } from "@peekpack/core/internal";

/** A sink for `await using`: disposing aborts it unless it is finished. */
export interface DisposableSink extends ArchiveSink, AsyncDisposable {}

/** Adds `Symbol.asyncDispose` to a sink whose `abort` does nothing after `finish`. */
export function disposableSink<S extends DisposableSink = DisposableSink>(
  sink: Omit<S, typeof Symbol.asyncDispose>,
): S {
  return disposable<S, "abort">(sink, "abort");
}
