export type { PersistentCache, PersistentCacheOptions } from "@peekpack/core";
export type { SizeLimits } from "./append-file.js";
export { type FileSinkOptions, fileSink } from "./file-sink.js";
export { fileSource } from "./file-source.js";
export {
  discardUpload,
  exportUpload,
  type PendingOptions,
  type PendingUpload,
  pendingUploads,
  type ResumeOptions,
  resumeUpload,
} from "./pending-uploads.js";
export { type DisposableCache, defaultCacheDirectory, persistentCache } from "./persistent-cache.js";
export type { DisposableSink } from "./serial-sink.js";
export { defaultSpoolDirectory, durableSpoolDirectory } from "./spool-directory.js";
export { type SpoolSinkOptions, spoolSink } from "./spool-sink.js";
export type { SpoolUploadOptions } from "./spool-upload.js";
