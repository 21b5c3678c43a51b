export type { CapabilityOptions, StoreCapabilities } from "./capabilities.js";
export type { Capability, CapabilityName } from "./capability.js";
export { type ClientTargetOptions, clientTarget } from "./client-target.js";
export type { ConnectionOptions } from "./connection.js";
export type { StoreCopyOptions } from "./copy-object.js";
export type { CredentialsProvider, S3Credentials } from "./credentials.js";
export type { DisposableSink } from "./disposable-sink.js";
export { S3_LIMITS } from "./limits.js";
export { type MultipartSinkOptions, multipartSink } from "./multipart-sink.js";
export { type PresignUploadOptions, presignUpload, type UploadRequest } from "./presign-upload.js";
export {
  type PresignedTargetOptions,
  type Presigner,
  type PresignRequest,
  presignedTarget,
} from "./presigned-target.js";
export type { WriteRetryOptions } from "./retry.js";
export { S3Error } from "./s3-error.js";
export { type S3ClientConfiguration, type S3SourceOptions, s3Source } from "./s3-source.js";
export type {
  StoreAppendOptions,
  StoreChild,
  StoreCombineOptions,
  StoreCombineResult,
} from "./server-combine.js";
export {
  type PresignOptions,
  type S3Store,
  type S3StoreOptions,
  type StoreSinkOptions,
  s3Store,
} from "./store.js";
export type { DeleteOptions, ListOptions, StoreObject } from "./store-objects.js";
export type { OrphanedUpload, SweepOptions } from "./sweep.js";
export type { ProgressListener, UploadProgress } from "./upload-progress.js";
export type { PutMode, UploadTarget } from "./upload-target.js";
export type { ServerCopyOptions, ServerCopyResult } from "./write-segments.js";
