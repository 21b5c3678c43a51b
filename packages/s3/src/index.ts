export type { Capability, CapabilityName, CapabilityOptions, StoreCapabilities } from "./capabilities.js";
export { type ClientTargetOptions, clientTarget } from "./client-target.js";
export type { ConnectionOptions } from "./connection.js";
export type { CredentialsProvider, S3Credentials } from "./credentials.js";
export { S3_LIMITS } from "./limits.js";
export type { ObjectLocation } from "./location.js";
export { type MultipartSinkOptions, multipartSink } from "./multipart-sink.js";
export type { RetryOptions } from "./persistence.js";
export {
  type PresignedTargetOptions,
  type Presigner,
  type PresignRequest,
  presignedTarget,
} from "./presigned-target.js";
export {
  type ProgressListener,
  type ProgressReporter,
  progressReporter,
  type UploadProgress,
} from "./progress.js";
export { S3Error } from "./s3-error.js";
export { type S3ClientConfiguration, type S3SourceOptions, s3Source } from "./s3-source.js";
export type { StoreChild, StoreCombineOptions, StoreCombineResult } from "./server-combine.js";
export {
  type PresignOptions,
  type S3Store,
  type S3StoreOptions,
  type StoreSinkOptions,
  s3Store,
} from "./store.js";
export type { OrphanedUpload, SweepOptions } from "./sweep.js";
export {
  type UploadContent,
  type UploadJournal,
  type UploadOptions,
  type UploadState,
  uploadContent,
} from "./upload.js";
export type {
  CommitOptions,
  OpenUpload,
  PutMode,
  StoredObject,
  TransferOptions,
  UploadedPart,
  UploadTarget,
} from "./upload-target.js";
