import type { TableSpill, WriteResult } from "@peekpack/core";
import type { DisposableSink } from "../disposable-sink.js";
import { serialSink } from "../serial-sink.js";
import { progressReporter } from "../upload-progress.js";
import type { UploadTarget } from "../upload-target.js";
import { uploadsOf } from "./resume-spool.js";
import { Spool, type SpoolStorage } from "./spool.js";
import type { SpoolUploadOptions } from "./spool-options.js";
import { uploadSpool } from "./upload-spool.js";

/** Writes the archive of a new spool. */
export interface SpoolWriter {
  /** Bytes written. */
  readonly size: number;
  append(chunk: Uint8Array): Promise<void>;
  /** Completes the archive, and records that in the journal. Any process or page can upload the spool from then on. */
  seal(header: Uint8Array): Promise<void>;
  /** Closes what is open. Does nothing after `seal`. */
  cancel(): Promise<void>;
  /** Opens storage for a table of contents that outgrows memory. */
  spill?(): Promise<TableSpill>;
}

/** A spool that is being written. */
export interface NewSpool {
  readonly storage: SpoolStorage;
  readonly writer: SpoolWriter;
}

/** What {@link uploadingSink} needs of a platform. */
export interface SpoolPlatform {
  /** Creates an empty spool. */
  create(): Promise<NewSpool>;
  /** Whether the table of contents can be spilled. */
  readonly spills: boolean;
  /** Whether `append` copies its chunk. */
  readonly copies?: boolean | undefined;
  /** Converts an error of the platform. */
  readonly convertError?: ((error: unknown) => unknown) | undefined;
}

/** Options of {@link uploadingSink}. */
export interface UploadingSinkOptions extends SpoolUploadOptions {
  readonly durable?: boolean | undefined;
  readonly removeUploaded?: boolean | undefined;
}

/** A sink that writes an archive to a spool, and uploads it when it is complete. Creates the spool at the first step. */
export function uploadingSink(
  target: UploadTarget,
  { durable = false, ...options }: UploadingSinkOptions,
  platform: SpoolPlatform,
): DisposableSink {
  const progress = progressReporter(options.onProgress);
  const controller = new AbortController();
  let opening: Promise<NewSpool> | undefined;
  const open = (): Promise<NewSpool> => {
    opening ??= platform.create();
    return opening;
  };

  const cleanUp = async (): Promise<void> => {
    const left = await opening?.catch(() => undefined);
    opening = undefined;
    if (left === undefined) return;
    await left.writer.cancel();
    try {
      await left.storage.remove();
    } finally {
      await left.storage.release().catch(() => {});
    }
  };
  /** Releases the spool as it is. */
  const keep = async ({ storage }: NewSpool): Promise<void> => {
    opening = undefined;
    await storage.release().catch(() => {});
  };

  return serialSink({
    label: target.label,
    copies: platform.copies,
    signal: options.signal,
    controller,
    convertError: platform.convertError,
    async write(chunk) {
      const { writer } = await open();
      await writer.append(chunk);
      progress.update({ bytesProduced: writer.size }, true);
    },
    ...(platform.spills && { spill: async () => (await open()).writer.spill!() }),
    async finish(header): Promise<WriteResult> {
      const opened = await open();
      await opened.writer.seal(header);
      let spool: Spool | undefined;
      try {
        spool = await Spool.open(opened.storage);
        const upload = { ...options, signal: controller.signal, keepParts: durable };
        const archive = await opened.storage.parts.open();
        const result = await uploadSpool(spool, archive, target, upload).finally(archive.close);
        await keep(opened);
        return result;
      } catch (error) {
        if (durable || (spool !== undefined && (await mustStay(spool)))) await keep(opened);
        throw error;
      }
    },
    cleanUp,
  });
}

/** Whether a spool has to stay, because parts may be on the server and no journal elsewhere knows them. */
async function mustStay({ state, storage }: Spool): Promise<boolean> {
  if (uploadsOf(state).length === 0) return false;
  if (storage.leaveOrphan === undefined) return true;
  return storage.leaveOrphan().then(
    () => false,
    () => true,
  );
}
