/** Names one object: the bucket, and the key exactly as S3 stores it, never percent-encoded. */
export interface ObjectLocation {
  readonly bucket: string;
  readonly key: string;
}

/** The objects of a bucket whose keys begin with a prefix, which may be empty. */
export interface BucketPrefix {
  readonly bucket: string;
  readonly prefix: string;
}

/**
 * Splits 'bucket/key' or 's3://bucket/key'. Nothing in the key is decoded: `%`, `+`, `?`, `#`, spaces and repeated slashes are
 * characters of the key.
 * @throws TypeError if the bucket or the key is missing
 */
export function parseLocation(path: string): ObjectLocation {
  const { bucket, rest } = splitBucket(path);
  if (!rest) throw new TypeError("An S3 path is 'bucket/key' or 's3://bucket/key'.");
  return checkLocation({ bucket, key: rest });
}

/** Splits 'bucket', 'bucket/prefix' or 's3://bucket/prefix'. @throws TypeError if the bucket is missing */
export function parsePrefix(path: string): BucketPrefix {
  const { bucket, rest = "" } = splitBucket(path);
  checkBucket(bucket);
  return { bucket, prefix: rest };
}

function splitBucket(path: string): { readonly bucket: string; readonly rest: string | undefined } {
  const bare = path.startsWith("s3://") ? path.slice(5) : path;
  const slash = bare.indexOf("/");
  return slash < 0
    ? { bucket: bare, rest: undefined }
    : { bucket: bare.slice(0, slash), rest: bare.slice(slash + 1) };
}

/** Returns `location`. @throws TypeError if the bucket's name or the key is invalid */
export function checkLocation(location: ObjectLocation): ObjectLocation {
  checkBucket(location.bucket);
  if (typeof location.key !== "string" || location.key === "") throw new TypeError("An S3 key is not empty.");
  return location;
}

/**
 * Checks a bucket's name. It becomes part of the host name or of the path, where other characters could address another host.
 * @throws TypeError if the name is invalid
 */
export function checkBucket(bucket: string): void {
  if (typeof bucket !== "string" || !/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) {
    throw new TypeError("A bucket's name has letters, digits, dots, hyphens and underscores only.");
  }
}

/** Percent-encodes all but unreserved characters (RFC 3986), as SigV4 requires. */
export function encodeText(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Percent-encodes a key for the path of a URL. Slashes stay. */
export function encodeKey(key: string): string {
  return encodeText(key).replaceAll("%2F", "/");
}

/**
 * Whether a URL can contain the key. URL parsers, and so every `fetch`, resolve the segments '.' and '..' even if they are
 * percent-encoded: a request for such a key would reach another object, perhaps of another bucket.
 */
export function fitsUrl(key: string): boolean {
  return !/(^|\/)\.{1,2}(\/|$)/.test(key);
}
