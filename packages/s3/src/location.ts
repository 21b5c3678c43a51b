/** Names one object: the bucket, and the key exactly as S3 stores it, never percent-encoded. */
export interface ObjectLocation {
  readonly bucket: string;
  readonly key: string;
}

/**
 * Splits 'bucket/key' or 's3://bucket/key'. The key is taken as it stands: nothing in it is decoded, so that `%`, `+`,
 * `?`, `#`, spaces and repeated slashes are characters of the key.
 * @throws TypeError when the bucket or the key is missing
 */
export function parseLocation(path: string): ObjectLocation {
  const bare = path.startsWith("s3://") ? path.slice(5) : path;
  const slash = bare.indexOf("/");
  if (slash <= 0 || slash === bare.length - 1) {
    throw new TypeError("An S3 path is 'bucket/key' or 's3://bucket/key'.");
  }
  return checkLocation({ bucket: bare.slice(0, slash), key: bare.slice(slash + 1) });
}

/** Returns `location` when its names are usable. @throws TypeError when the bucket or the key is not */
export function checkLocation(location: ObjectLocation): ObjectLocation {
  checkBucket(location.bucket);
  if (typeof location.key !== "string" || location.key === "") throw new TypeError("An S3 key is not empty.");
  return location;
}

/**
 * Checks a bucket's name. It becomes part of the host name or of the path: anything else in it could address another host.
 * @throws TypeError
 */
export function checkBucket(bucket: string): void {
  if (typeof bucket !== "string" || !/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) {
    throw new TypeError("A bucket's name has letters, digits, dots, hyphens and underscores only.");
  }
}

/** Percent-encodes all but unreserved characters (RFC 3986), as SigV4 asks. */
export function encodeText(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Percent-encodes a key for the path of a URL: slashes stay. */
export function encodeKey(key: string): string {
  return encodeText(key).replaceAll("%2F", "/");
}

/**
 * Whether a URL can carry the key. URL parsers, and so every `fetch`, resolve '.' and '..' segments even when they are
 * percent-encoded: a request for such a key would silently reach another object, perhaps of another bucket.
 */
export function fitsUrl(key: string): boolean {
  return !/(^|\/)\.{1,2}(\/|$)/.test(key);
}
