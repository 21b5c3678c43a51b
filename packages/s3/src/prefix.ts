import { checkBucket } from "./location.js";

/** A bucket, or what of it begins with a prefix. */
export interface StorePlace {
  readonly bucket: string;
  readonly prefix: string;
}

/** Splits 'bucket', 'bucket/prefix' or 's3://bucket/prefix'; the prefix may be empty. @throws TypeError without a bucket */
export function parsePrefix(path: string): StorePlace {
  const bare = path.startsWith("s3://") ? path.slice(5) : path;
  const slash = bare.indexOf("/");
  const bucket = slash < 0 ? bare : bare.slice(0, slash);
  checkBucket(bucket);
  return { bucket, prefix: slash < 0 ? "" : bare.slice(slash + 1) };
}
