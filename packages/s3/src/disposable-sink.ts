import type { ArchiveSink } from "@peekpack/core";

/** A sink for `await using`: disposing aborts it unless it is finished. */
export interface DisposableSink extends ArchiveSink, AsyncDisposable {}

/** Adds `Symbol.asyncDispose` to a sink whose `abort` does nothing after `finish`. */
export function disposableSink(sink: ArchiveSink): DisposableSink {
  // Some supported browsers lack the symbol.
  return Symbol.asyncDispose
    ? Object.assign(sink, { [Symbol.asyncDispose]: () => sink.abort() })
    : (sink as DisposableSink);
}
