export type { PersistentCache, PersistentCacheOptions } from "@peekpack/core";
export type { StorageChoice } from "./choose-parts.js";
export { type MeteredFetch, type MeteredFetchOptions, meteredFetch } from "./metered-fetch.js";
export type { PartStorage } from "./part-store.js";
export {
  discardUpload,
  type PendingOptions,
  type PendingUpload,
  pendingUploads,
  resumeUpload,
} from "./pending-upload.js";
export { persistentCache } from "./persistent-cache.js";
export type { RemotePort } from "./remote.js";
export { type ArchiveOpener, serveArchives } from "./serve-archives.js";
export type { SpoolPlaceOptions, SpoolSinkOptions, SpoolUploadOptions } from "./spool-options.js";
export { type SpoolSink, spoolSink } from "./spool-sink.js";
export { persistStorage, type StorageRoom, storageRoom } from "./storage-room.js";
export {
  type WorkerArchive,
  type WorkerArchiveOptions,
  type WorkerReadOptions,
  workerArchive,
} from "./worker-archive.js";
