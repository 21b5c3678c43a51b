import { type ArchiveSink, PeekpackError } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import { progressReporter } from "@peekpack/s3/internal";
import type { PartStorage } from "./part-store.js";
import { giveUp, type Spool } from "./spool.js";
import { resolveSpoolOptions, type SpoolSinkOptions } from "./spool-options.js";
import { uploadSpool } from "./spool-upload.js";
import { openSpool, type SpoolWriter, spoolWriter } from "./spool-writer.js";

/** A sink that spools in the browser, then uploads. */
export interface SpoolSink extends ArchiveSink {
  /** Id of the spool, as `pendingUploads` has it; undefined before the first write. */
  readonly id: string | undefined;
  /** Where the parts lie; undefined before the first write. */
  readonly storage: PartStorage | undefined;
}

/**
 * A sink that keeps the archive in the browser's storage while it is written, in parts, and uploads it when it is
 * finished: for archives larger than memory, and for connections that cannot be relied on. A few parts are in memory.
 *
 * Until `finish` is called nothing has been sent, and whatever fails removes the spool. From then on it is kept until the
 * object is there: when the upload fails, is aborted, or its tab is closed, `pendingUploads` lists it, `resumeUpload` goes
 * on, and `discardUpload` removes it.
 *
 * @example
 * const sink = spoolSink(presignedTarget(sign), { onProgress });
 * await writeArchive(sink, { rows: listOf(generate()) });
 *
 * Each call rejects with PeekpackError `quota` (no room, or more than `maxBytes`), `limit` (more than 10,000 parts),
 * `denied` (the browser keeps nothing), what the target rejects with, or the signal's reason.
 * @throws RangeError, TypeError for options that are none
 */
export function spoolSink(target: UploadTarget, options: SpoolSinkOptions = {}): SpoolSink {
  const resolved = resolveSpoolOptions(options);
  const { signal, durable = true } = options;
  const progress = progressReporter(options.onProgress);
  const uploading = new AbortController();
  let phase: "writing" | "sealed" | "closed" = "writing";
  let opened: { readonly spool: Spool; readonly writer: SpoolWriter } | undefined;
  /** What was called for last; each call waits for the one before. */
  let last: Promise<unknown> = Promise.resolve();

  const open = async (): Promise<NonNullable<typeof opened>> => {
    if (opened === undefined) {
      const spool = await openSpool(target, resolved);
      opened = { spool, writer: spoolWriter(spool, resolved) };
    }
    return opened;
  };

  /** Removes what there is of a spool that never was complete. */
  const discard = async (): Promise<void> => {
    phase = "closed";
    signal?.removeEventListener("abort", onAbort);
    const given = opened;
    opened = undefined;
    if (given === undefined) return;
    await given.writer.cancel();
    await given.spool.remove().catch(() => {});
    given.spool.leave();
  };

  /** Runs a step behind those before it. One that fails before the archive is complete removes the spool. */
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const turn = last.then(async () => {
      // A signal that has closed the sink is what its caller must see.
      if (phase !== "writing") signal?.throwIfAborted();
      if (phase !== "writing") throw new PeekpackError("closed", "This sink is closed.", { section: "sink" });
      try {
        signal?.throwIfAborted();
        return await step();
      } catch (error) {
        // An assertion, as the step may have gone on.
        if ((phase as string) === "writing") await discard();
        throw error;
      }
    });
    last = turn.catch(() => {});
    return turn;
  };

  const onAbort = (): void => {
    uploading.abort(signal?.reason);
    // While writing, nobody may come back to be told.
    if (phase === "writing") void inTurn(async () => {}).catch(() => {});
  };
  signal?.addEventListener("abort", onAbort);

  return {
    label: target.label,
    get id() {
      return opened?.spool.head.id;
    },
    get storage() {
      return opened?.spool.head.storage;
    },
    write: (chunk) =>
      inTurn(async () => {
        const { writer } = await open();
        await writer.write(chunk);
        progress.update({ bytesProduced: writer.size }, true);
      }),
    finish: (header) =>
      inTurn(async () => {
        const { spool, writer } = await open();
        await writer.seal(header);
        phase = "sealed";
        try {
          return await uploadSpool(spool, target, { ...options, signal: uploading.signal });
        } catch (error) {
          // What the server cannot be told now stays listed.
          if (!durable) await giveUp(spool, target).catch(() => {});
          throw error;
        } finally {
          phase = "closed";
          signal?.removeEventListener("abort", onAbort);
          spool.leave();
        }
      }),
    async abort(reason) {
      uploading.abort(reason ?? new DOMException("The write was aborted.", "AbortError"));
      await last;
      if (phase === "writing") await discard();
    },
  };
}
