import { checkLocation } from "./location.js";
import { objectTarget } from "./object-target.js";
import type { RetryOptions } from "./persistence.js";
import { type S3ClientLike, sdkOperations } from "./sdk-operations.js";
import type { PutMode, UploadTarget } from "./upload-target.js";

/** How an object is written through a client of the caller's. */
export interface ClientTargetOptions {
  readonly put?: PutMode | undefined;
  readonly retry?: RetryOptions | undefined;
}

/**
 * An upload target over a client of the AWS SDK that the caller has made: its credentials, endpoint, middleware and
 * retries hold. `@aws-sdk/client-s3` itself is loaded at the first request, for its commands.
 * @throws TypeError when the bucket, the key or the put mode is none
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
