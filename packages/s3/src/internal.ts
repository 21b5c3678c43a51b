/*
 * What the storages of this repository need of this package, and users do not. It may change in any release.
 */
export { combineCrc32 } from "./crc32.js";
export { type DisposableSink, disposableSink } from "./disposable-sink.js";
export { isObject, isOpenUpload, isPutMode, isSize, isUploadedPart } from "./journal-value.js";
export { choosePartSize, isPartSize } from "./limits.js";
export {
  type CacheBounds,
  type DisposableCache,
  MAX_PIECE_BYTES,
  type PieceStore,
  pieceCache,
} from "./piece-cache.js";
export { type SinkSteps, serialSink } from "./serial-sink.js";
export { describeSpool, type PendingSpool } from "./spool/pending-spool.js";
export {
  archivePieces,
  discardSpool,
  exportSpool,
  resumeSpool,
  withArchive,
  withSpool,
} from "./spool/resume-spool.js";
export {
  type JournalStore,
  type PartStore,
  Spool,
  type SpooledArchive,
  type SpoolStorage,
  unfinished,
  unusable,
} from "./spool/spool.js";
export type { RetargetOptions, SpoolUploadOptions, SpoolWriteOptions } from "./spool/spool-options.js";
export {
  type NewSpool,
  type SpoolPlatform,
  type SpoolWriter,
  type UploadingSinkOptions,
  uploadingSink,
} from "./spool/spool-sink.js";
export {
  isSpoolStep,
  newSpoolState,
  nextState,
  type SealedArchive,
  SPOOL_LAYOUT,
  type SpoolState,
  type SpoolStep,
  type UnusableSpool,
} from "./spool/spool-state.js";
export type { UploadSpoolOptions } from "./spool/upload-spool.js";
export {
  type UploadContent,
  type UploadJournal,
  type UploadOptions,
  type UploadState,
  uploadContent,
} from "./upload.js";
export { type ProgressReporter, progressReporter } from "./upload-progress.js";
export type {
  CommitOptions,
  CopySource,
  CreateUploadOptions,
  OpenUpload,
  StoredObject,
  TransferOptions,
  UploadedPart,
} from "./upload-target.js";
