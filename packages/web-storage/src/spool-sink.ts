import type { WriteResult } from "@peekpack/core";
import type { DisposableSink, UploadTarget } from "@peekpack/s3";
import { disposableSink, uploadingSink } from "@peekpack/s3/internal";
import type { BrowserSpool } from "./browser-spool.js";
import { withOfflineRetry } from "./offline-retry.js";
import type { PartStorage } from "./part-medium.js";
import { resolveSpoolOptions, type SpoolSinkOptions } from "./spool-options.js";
import { spoolProgress } from "./spool-progress.js";
import { createSpool, spoolWriter } from "./spool-writer.js";

/** The result of a write through a spool in the browser. */
export interface SpoolWriteResult extends WriteResult {
  /** Storage of the parts. */
  readonly storage: PartStorage;
  /**
   * Why the parts were not written by a worker to OPFS, which takes the least time and memory, and what to do. Undefined if they were,
   * or if the options exclude it.
   */
  readonly notice?: string | undefined;
}

/** A sink that spools in the browser and uploads at the end. */
export interface SpoolSink extends DisposableSink {
  finish(header: Uint8Array): Promise<SpoolWriteResult>;
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
  const progress = spoolProgress(options.onProgress, options.meter);
  let spool: BrowserSpool | undefined;
  const { finish, abort, ...sink } = uploadingSink(
    withOfflineRetry(target),
    { ...resolved, onProgress: progress.update },
    {
      spills: true,
      copies: true,
      async create() {
        spool = await createSpool(target, resolved);
        return { storage: spool, writer: spoolWriter(spool, resolved) };
      },
    },
  );
  return disposableSink<SpoolSink>({
    ...sink,
    get id() {
      return spool?.id;
    },
    get storage() {
      return spool?.head.storage;
    },
    async finish(header) {
      const result = await finish(header).finally(progress.end);
      const { storage, notice } = spool!.medium;
      return { ...result, storage, ...(notice === undefined ? {} : { notice }) };
    },
    abort: (reason) => abort(reason).finally(progress.end),
  });
}
