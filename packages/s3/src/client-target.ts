import { checkLocation } from "./location.js";
import { objectTarget } from "./object-target.js";
import type { WriteRetryOptions } from "./retry.js";
import type { S3ClientLike } from "./sdk-client-like.js";
import { sdkOperations } from "./sdk-operations.js";
import type { PutMode, UploadTarget } from "./upload-target.js";

/** Options of {@link clientTarget}. */
export interface ClientTargetOptions {
  readonly put?: PutMode | undefined;
  readonly retry?: WriteRetryOptions | undefined;
}

/**
 * An upload target over the caller's client of the AWS SDK, with its credentials, endpoint, middleware and retries. Loads
 * `@aws-sdk/client-s3`, for its commands, at the first request.
 * @throws TypeError if the bucket, the key or the put mode is invalid
 */
export function clientTarget(
  client: S3ClientLike,
  { Bucket, Key }: { readonly Bucket: string; readonly Key: string },
  options: ClientTargetOptions = {},
): UploadTarget {
  checkLocation({ bucket: Bucket, key: Key });
  return objectTarget(
    sdkOperations(() => client, { Bucket, Key }, `s3://${Bucket}/${Key}`),
    options,
  );
}
