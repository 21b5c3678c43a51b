/*
 * What the storages of this repository need of this package, and users do not. It may change in any release.
 */
export { type DisposableSink, disposableSink } from "./disposable-sink.js";
export { isObject, isOpenUpload, isPutMode, isSize, isUploadedPart } from "./journal-value.js";
export { choosePartSize, isPartSize } from "./limits.js";
export { checkRecordedTarget, isRecordedTarget } from "./recorded-target.js";
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
