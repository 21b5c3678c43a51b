export type { PersistentCache, PersistentCacheOptions } from "@peekpack/core";
export type { DisposableSink } from "@peekpack/s3";
export type {
  DisposableCache,
  PendingSpool,
  RetargetOptions,
  SpoolUploadOptions,
  SpoolWriteOptions,
} from "@peekpack/s3/internal";
export type { SizeLimits } from "./append-file.js";
export { type FileSinkOptions, fileSink } from "./file-sink.js";
export { fileSource } from "./file-source.js";
export { type PendingOptions, type PendingUpload, pendingUploads } from "./pending-uploads.js";
export { defaultCacheDirectory, persistentCache } from "./persistent-cache.js";
export { discardUpload, exportUpload, type ResumeOptions, resumeUpload } from "./resume-upload.js";
export { defaultSpoolDirectory, durableSpoolDirectory } from "./spool-directory.js";
export { type SpoolSinkOptions, spoolSink } from "./spool-sink.js";
