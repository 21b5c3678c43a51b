import { type ArchiveSink, PeekpackError, type TableSpill, type WriteResult } from "@peekpack/core";

/** A sink for `await using`: leaving the scope before `finish` aborts the write. */
export interface DisposableSink extends ArchiveSink {
  readonly label: string;
  /** Calls `abort`, which does nothing after `finish`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The steps of a write. They are called one at a time. */
export interface SinkSteps {
  readonly label: string;
  write(chunk: Uint8Array): Promise<void>;
  /** Opens storage for a table of contents that outgrows memory. */
  spill(): Promise<TableSpill>;
  finish(header: Uint8Array): Promise<WriteResult>;
  /** Removes what the write has left. Called after `finish`, `abort`, and any failed step; more than once. */
  cleanUp(): Promise<void>;
}

/** Makes a sink that runs its steps one after another. The first failed step aborts the write. */
export function serialSink(steps: SinkSteps): DisposableSink {
  let state: "open" | "finished" | "aborted" = "open";
  let last: Promise<unknown> = Promise.resolve();
  const enqueue = <T>(step: () => Promise<T>): Promise<T> => {
    const result = last.then(async () => {
      if (state !== "open") {
        throw new PeekpackError("closed", `${steps.label}: this sink is closed.`, { section: "sink" });
      }
      try {
        return await step();
      } catch (error) {
        state = "aborted";
        await steps.cleanUp().catch(() => {});
        throw error;
      }
    });
    last = result.catch(() => {});
    return result;
  };
  const abort = async (): Promise<void> => {
    if (state === "open") state = "aborted";
    await last;
    await steps.cleanUp();
  };
  return {
    label: steps.label,
    write: (chunk) => enqueue(() => steps.write(chunk)),
    spill: () => enqueue(() => steps.spill()),
    finish: (header) =>
      enqueue(async () => {
        const result = await steps.finish(header);
        state = "finished";
        return result;
      }),
    abort,
    [Symbol.asyncDispose]: abort,
  };
}
