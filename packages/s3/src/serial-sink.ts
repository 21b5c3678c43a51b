import { PeekpackError, type TableSpill, type WriteResult } from "@peekpack/core";
import { type DisposableSink, disposableSink } from "./disposable-sink.js";

/** The steps of a write. They run one at a time. */
export interface SinkSteps {
  /** Label of the result. */
  readonly label: string;
  /** Whether `write` copies its chunk. */
  readonly copies?: boolean | undefined;
  /** Ends the write: the running step by `controller`, and without one at once, because the writer may never call again. */
  readonly signal?: AbortSignal | undefined;
  /** Aborted by `signal` and by `abort`. Steps that take long follow it. */
  readonly controller?: AbortController | undefined;
  write(chunk: Uint8Array): Promise<void>;
  /** Opens storage for a table of contents that outgrows memory. */
  spill?(): Promise<TableSpill>;
  finish(header: Uint8Array): Promise<WriteResult>;
  /** Removes what the write has left. Called after a failed step and by `abort`, unless the write is finished. */
  cleanUp(reason: unknown): Promise<void>;
  /** Converts the error of a step. */
  readonly convertError?: ((error: unknown) => unknown) | undefined;
}

/** Makes a sink that runs its steps one after another. The first failed step aborts the write. */
export function serialSink(steps: SinkSteps): DisposableSink {
  const { label, signal, controller = new AbortController() } = steps;
  let state: "open" | "finished" | "aborted" = "open";
  let last: Promise<unknown> = Promise.resolve();
  /** The signal's reason, if the signal has ended the write between two calls: the next one rejects with it. */
  let unreported: { readonly reason: unknown } | undefined;

  const end = (as: "finished" | "aborted"): void => {
    state = as;
    signal?.removeEventListener("abort", onAbort);
  };
  const enqueue = <T>(step: () => Promise<T>): Promise<T> => {
    const result = last.then(async () => {
      if (unreported !== undefined) {
        const { reason } = unreported;
        unreported = undefined;
        throw reason;
      }
      if (state !== "open")
        throw new PeekpackError("closed", `${label}: this sink is closed.`, { section: "sink" });
      try {
        controller.signal.throwIfAborted();
        return await step();
      } catch (error) {
        end("aborted");
        await steps.cleanUp(error).catch(() => {});
        throw steps.convertError ? steps.convertError(error) : error;
      }
    });
    last = result.catch(() => {});
    return result;
  };
  const onAbort = (): void => {
    controller.abort(signal?.reason);
    last = last.then(async () => {
      if (state !== "open") return;
      end("aborted");
      unreported = { reason: signal?.reason };
      await steps.cleanUp(signal?.reason).catch(() => {});
    });
  };
  if (signal?.aborted) controller.abort(signal.reason);
  else signal?.addEventListener("abort", onAbort);

  return disposableSink({
    label,
    ...(steps.copies === undefined ? {} : { copies: steps.copies }),
    write: (chunk) => enqueue(() => steps.write(chunk)),
    ...(steps.spill && { spill: () => enqueue(() => steps.spill!()) }),
    finish: (header) =>
      enqueue(async () => {
        const result = await steps.finish(header);
        end("finished");
        return result;
      }),
    async abort(reason) {
      if (state === "open") controller.abort(reason);
      await last;
      if (state !== "open") return;
      end("aborted");
      await steps.cleanUp(reason);
    },
  });
}
