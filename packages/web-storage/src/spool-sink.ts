import { PeekpackError } from "@peekpack/core";
import type { DisposableSink, UploadTarget } from "@peekpack/s3";
import { disposableSink, progressReporter } from "@peekpack/s3/internal";
import type { PartStorage } from "./part-store.js";
import { discardSpool, type Spool } from "./spool.js";
import { resolveSpoolOptions, type SpoolSinkOptions } from "./spool-options.js";
import { uploadSpool } from "./spool-upload.js";
import { createSpool, type SpoolWriter, spoolWriter } from "./spool-writer.js";

/** A sink that spools in the browser and uploads at the end. */
export interface SpoolSink extends DisposableSink {
  /** Id of the spool in `pendingUploads`; undefined before the first write. */
  readonly id: string | undefined;
  /** Storage of the parts; undefined before the first write. */
  readonly storage: PartStorage | undefined;
}

/**
 * Stores an archive in the browser in parts while it is written, and uploads it when it is complete. Only a few parts are
 * in memory.
 *
 * Nothing is sent before `finish`. Before that, any failure removes the spool. Afterwards a failure removes the spool and
 * the parts on the server, unless `durable` keeps them for `resumeUpload`. If the page ends, `pendingUploads` lists what is
 * left.
 *
 * @example
 * const sink = spoolSink(presignedTarget(sign), { onProgress });
 * await writeArchive(sink, { rows: listOf(generate()) });
 *
 * Its calls reject with PeekpackError `quota` (no room, or more than `maxBytes`), `limit` (more than 10,000 parts),
 * `denied` (the browser stores nothing), the target's errors, or the signal's reason.
 * @throws RangeError, TypeError if an option is invalid
 */
export function spoolSink(target: UploadTarget, options: SpoolSinkOptions = {}): SpoolSink {
  const resolved = resolveSpoolOptions(options);
  const { signal, durable } = resolved;
  const progress = progressReporter(options.onProgress);
  const uploading = new AbortController();
  let phase: "writing" | "sealed" | "closed" = "writing";
  let opened: { readonly spool: Spool; readonly writer: SpoolWriter } | undefined;
  /** The last step; each waits for the one before. */
  let last: Promise<unknown> = Promise.resolve();

  const open = async (): Promise<NonNullable<typeof opened>> => {
    if (opened === undefined) {
      const spool = await createSpool(target, resolved);
      opened = { spool, writer: spoolWriter(spool, resolved) };
    }
    return opened;
  };

  /** Removes an incomplete spool. */
  const discard = async (): Promise<void> => {
    phase = "closed";
    signal?.removeEventListener("abort", onAbort);
    const discarded = opened;
    opened = undefined;
    if (discarded === undefined) return;
    await discarded.writer.cancel();
    await discarded.spool.remove().catch(() => {});
    discarded.spool.release();
  };

  /** Runs a step after those before it. If it fails before the archive is complete, the spool is removed. */
  const enqueue = <T>(step: () => Promise<T>): Promise<T> => {
    const result = last.then(async () => {
      // If the signal has closed the sink, its reason is the error.
      if (phase !== "writing") signal?.throwIfAborted();
      if (phase !== "writing") throw new PeekpackError("closed", "This sink is closed.", { section: "sink" });
      try {
        signal?.throwIfAborted();
        return await step();
      } catch (error) {
        // The step may have changed the phase, which TypeScript does not see.
        if ((phase as string) === "writing") await discard();
        throw error;
      }
    });
    last = result.catch(() => {});
    return result;
  };

  const onAbort = (): void => {
    uploading.abort(signal?.reason);
    // The writer may never call again: discard now.
    if (phase === "writing") void enqueue(async () => {}).catch(() => {});
  };
  signal?.addEventListener("abort", onAbort);

  return disposableSink<SpoolSink>({
    label: target.label,
    get id() {
      return opened?.spool.head.id;
    },
    get storage() {
      return opened?.spool.head.storage;
    },
    write: (chunk) =>
      enqueue(async () => {
        const { writer } = await open();
        await writer.write(chunk);
        progress.update({ bytesProduced: writer.size }, true);
      }),
    finish: (header) =>
      enqueue(async () => {
        const { spool, writer } = await open();
        await writer.seal(header);
        phase = "sealed";
        try {
          return await uploadSpool(spool, target, { ...options, signal: uploading.signal });
        } catch (error) {
          // If the server cannot be reached, the spool stays listed.
          if (!durable) await discardSpool(spool, target).catch(() => {});
          throw error;
        } finally {
          phase = "closed";
          signal?.removeEventListener("abort", onAbort);
          spool.release();
        }
      }),
    async abort(reason) {
      uploading.abort(reason ?? new DOMException("The write was aborted.", "AbortError"));
      await last;
      if (phase === "writing") await discard();
    },
  });
}
