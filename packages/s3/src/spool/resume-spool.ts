import { type ArchiveSink, PeekpackError, type WriteResult } from "@peekpack/core";
import { checkRecordedTarget, isRecordedTarget } from "../recorded-target.js";
import type { OpenUpload, TransferOptions, UploadTarget } from "../upload-target.js";
import { Spool, type SpooledArchive, type SpoolStorage, unusable } from "./spool.js";
import type { RetargetOptions } from "./spool-options.js";
import type { SpoolState } from "./spool-state.js";
import { type UploadSpoolOptions, uploadSpool } from "./upload-spool.js";

/** Releases an acquired spool after `work`. @throws PeekpackError `not-found` if there is no spool */
export async function withSpool<T>(
  storage: SpoolStorage | undefined,
  work: (storage: SpoolStorage) => Promise<T>,
): Promise<T> {
  if (storage === undefined) {
    throw new PeekpackError("not-found", "This spool does not exist any more.", { section: "spool" });
  }
  try {
    return await work(storage);
  } finally {
    await storage.release().catch(() => {});
  }
}

/**
 * Continues the upload of a spool: parts that both the journal and the server have are not sent again. Removes the spool when the
 * object is stored. If it fails, the spool stays.
 * @throws TypeError if the spool belongs to another target, unless `changeTarget` allows it
 */
export async function resumeSpool(
  storage: SpoolStorage,
  target: UploadTarget,
  {
    changeTarget = false,
    previousTarget,
    ...upload
  }: RetargetOptions & Omit<UploadSpoolOptions, "keepParts">,
): Promise<WriteResult> {
  upload.signal?.throwIfAborted();
  const spool = await Spool.open(storage);
  if (!changeTarget) checkRecordedTarget(spool.state, target);
  return withArchive(storage, async (archive) => {
    if (!isRecordedTarget(spool.state, target)) await moveToTarget(spool, target, previousTarget, upload);
    return uploadSpool(spool, archive, target, { ...upload, keepParts: true });
  });
}

/** Copies the complete archive of a spool to a sink. The spool stays. */
export async function exportSpool(storage: SpoolStorage, sink: ArchiveSink): Promise<WriteResult> {
  await Spool.open(storage);
  return withArchive(storage, async (archive) => {
    try {
      for await (const piece of archivePieces(archive)) await sink.write(piece);
      return await sink.finish(archive.header);
    } catch (error) {
      await sink.abort(error);
      throw error;
    }
  });
}

/** Reads an archive from after its header to its end. */
export async function* archivePieces(archive: SpooledArchive): AsyncGenerator<Uint8Array> {
  const { header, size, pieceBytes } = archive;
  for (let at = header.length; at < size; ) {
    const end = Math.min(at - (at % pieceBytes) + pieceBytes, size);
    yield await archive.read(at, end);
    at = end;
  }
}

/**
 * Removes the parts of an upload from the server, and the spool. An object that is stored already stays. If the server cannot be
 * reached, the spool stays. The parts of a damaged spool are not known.
 * @throws PeekpackError `denied` if another version of peekpack wrote the spool
 * @throws TypeError if parts are on the server, and `target` is missing or another one
 */
export async function discardSpool(
  storage: SpoolStorage,
  target: UploadTarget | undefined,
  options: TransferOptions,
): Promise<void> {
  options.signal?.throwIfAborted();
  const state = await storage.journal.read();
  if (state !== undefined && "unusable" in state) {
    if (state.unusable === "unsupported") throw unusable(state);
  } else if (state !== undefined && uploadsOf(state).length > 0) {
    if (target === undefined) {
      throw new TypeError("Parts are on the server: the target is needed to remove them.");
    }
    checkRecordedTarget(state, target);
    for (const upload of uploadsOf(state)) await target.abortUpload(upload, options);
  }
  await storage.remove();
}

/** Opens the archive of a spool for `work`, and closes it afterwards. */
export async function withArchive<T>(
  storage: SpoolStorage,
  work: (archive: SpooledArchive) => Promise<T>,
): Promise<T> {
  const archive = await storage.parts.open();
  try {
    return await work(archive);
  } finally {
    await archive.close();
  }
}

/** The uploads of which the server may have parts. */
export function uploadsOf({ upload, abandoned }: SpoolState): readonly OpenUpload[] {
  return upload === undefined ? abandoned : [upload.upload, ...abandoned];
}

/**
 * Assigns a spool to another target. Parts under the old key are removed from the server.
 * @throws TypeError if there are such parts and `previous` is not the old target, or if parts were removed here
 */
async function moveToTarget(
  spool: Spool,
  target: UploadTarget,
  previous: UploadTarget | undefined,
  options: TransferOptions,
): Promise<void> {
  const { state } = spool;
  if (state.target !== target.label) {
    if (state.partsRemoved) {
      throw new TypeError(`Parts were removed here, and only the server has them, for ${state.target}.`);
    }
    const uploads = uploadsOf(state);
    if (uploads.length > 0 && previous?.label !== state.target) {
      throw new TypeError(
        `Parts of ${state.target} are on the server: previousTarget is needed to remove them.`,
      );
    }
    for (const upload of uploads) {
      await previous!.abortUpload(upload, { signal: options.signal });
      await spool.record({ abandoned: upload.id, gone: true });
    }
  }
  await spool.record({ retarget: target.label, put: target.put });
}
