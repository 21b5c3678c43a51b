export type { PersistentCache, PersistentCacheOptions } from "@peekpack/core";
export type {
  DisposableCache,
  PendingSpool,
  RetargetOptions,
  SpoolWriteOptions,
} from "@peekpack/s3/internal";
export type { StorageChoice } from "./choose-part-medium.js";
export { type MeteredFetch, type MeteredFetchOptions, meteredFetch } from "./metered-fetch.js";
export type { PartStorage } from "./part-medium.js";
export { type PendingOptions, type PendingUpload, pendingUploads } from "./pending-uploads.js";
export { persistentCache } from "./persistent-cache.js";
export {
  discardUpload,
  exportUpload,
  pendingBlob,
  type ResumeOptions,
  resumeUpload,
} from "./resume-upload.js";
export type { RpcPort } from "./rpc.js";
export { type ArchiveOpener, serveArchives } from "./serve-archives.js";
export type { SpoolDirectoryOptions, SpoolSinkOptions, SpoolUploadOptions } from "./spool-options.js";
export { type SpoolSink, type SpoolWriteResult, spoolSink } from "./spool-sink.js";
export { persistStorage, type StorageQuota, storageQuota } from "./storage-quota.js";
export {
  type WorkerArchive,
  type WorkerArchiveOptions,
  type WorkerKeysOptions,
  type WorkerReadOptions,
  workerArchive,
} from "./worker-archive.js";
