export type { PersistentCache, PersistentCacheOptions } from "@peekpack/core";
export { type FilePutMode, type FileSinkOptions, fileSink } from "./file-sink.js";
export { fileSource } from "./file-source.js";
export type { GrowthLimits } from "./growing-file.js";
export {
  discardUpload,
  type PendingOptions,
  type PendingUpload,
  pendingUploads,
  resumeUpload,
} from "./pending-uploads.js";
export { defaultCacheDirectory, persistentCache } from "./persistent-cache.js";
export { defaultSpoolDirectory } from "./spool-directory.js";
export { type SpoolSinkOptions, type SpoolUploadOptions, spoolSink } from "./spool-sink.js";
