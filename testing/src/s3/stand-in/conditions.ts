import type { IncomingHttpHeaders } from "node:http";
import { header } from "./request.js";
import { noSuchKey, notImplemented, preconditionFailed, S3Error } from "./s3-error.js";

/** The properties of an object that conditions test. */
export interface ConditionTarget {
  /** Quoted. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

function etagListed(list: string, etag: string): boolean {
  return list
    .split(",")
    .map((tag) => tag.trim())
    .some((tag) => tag === "*" || tag === etag || `"${tag}"` === etag);
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

/**
 * Checks the conditions of a read, or of a copy's source (`prefix` "x-amz-copy-source-").
 * @throws S3Error 412, or 304 if a cached copy is current
 */
export function checkRead(headers: IncomingHttpHeaders, target: ConditionTarget, prefix = ""): void {
  const failed = (condition: string): S3Error => preconditionFailed(`${prefix}${condition}`);
  const unmodified = (condition: string): S3Error =>
    prefix === ""
      ? new S3Error(304, "NotModified", "Not Modified", {}, { etag: target.etag })
      : failed(condition);
  const ifMatch = header(headers, `${prefix}if-match`);
  const ifNoneMatch = header(headers, `${prefix}if-none-match`);
  const since = Date.parse(header(headers, `${prefix}if-modified-since`) ?? "");
  const until = Date.parse(header(headers, `${prefix}if-unmodified-since`) ?? "");
  if (ifMatch !== undefined) {
    if (!etagListed(ifMatch, target.etag)) throw failed("If-Match");
  } else if (seconds(target.lastModified) > seconds(until)) throw failed("If-Unmodified-Since");
  if (ifNoneMatch !== undefined) {
    if (etagListed(ifNoneMatch, target.etag)) throw unmodified("If-None-Match");
  } else if (seconds(target.lastModified) <= seconds(since)) throw unmodified("If-Modified-Since");
}

/**
 * Checks the conditions of a write against the current object. Call it in the same tick as the write.
 * @throws S3Error 412, or 404 for If-Match without an object
 */
export function checkWrite(
  headers: IncomingHttpHeaders,
  existing: ConditionTarget | undefined,
  key: string,
): void {
  const ifNoneMatch = header(headers, "if-none-match");
  const ifMatch = header(headers, "if-match");
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== "*") throw notImplemented("If-None-Match with anything but * on a write");
    if (existing !== undefined) throw preconditionFailed("If-None-Match");
  }
  if (ifMatch !== undefined) {
    if (existing === undefined) throw noSuchKey(key);
    if (!etagListed(ifMatch, existing.etag)) throw preconditionFailed("If-Match");
  }
}
