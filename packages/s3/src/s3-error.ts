import { type ErrorCode, PeekpackError } from "@peekpack/core";
import type { PutMode } from "./upload-target.js";

/** What is known of a failed request. */
export interface S3Failure {
  /** HTTP status; undefined without a response. */
  readonly status?: number | undefined;
  /** S3's code, as in 'NoSuchUpload', or a system's, as in 'ECONNRESET'. */
  readonly s3Code?: string | undefined;
  /** Delay that the server asks for, in milliseconds. */
  readonly retryAfter?: number | undefined;
}

/** A failed request to S3. Quotes nothing of the response but its code. */
export class S3Error extends PeekpackError {
  /** HTTP status; undefined without a response. */
  readonly status: number | undefined;
  /** S3's code, as in 'NoSuchUpload', or a system's, as in 'ECONNRESET'. */
  readonly s3Code: string | undefined;
  /** Delay that the server asks for, in milliseconds. */
  readonly retryAfter: number | undefined;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** Whether the server may have committed the request although it failed. */
  readonly mayHaveCommitted: boolean;

  constructor(code: ErrorCode, message: string, failure: S3Failure) {
    super(code, message, { section: "sink" });
    this.status = failure.status;
    this.s3Code = failure.s3Code;
    this.retryAfter = failure.retryAfter;
    this.retryable = isTransient(failure) || code === "conflict";
    this.mayHaveCommitted = failure.status === undefined || failure.status >= 500;
  }
}

const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  "SlowDown",
  "RequestTimeout",
  "RequestTimeTooSkewed",
  "InternalError",
  "ServiceUnavailable",
  "Throttling",
  "ThrottlingException",
  "RequestLimitExceeded",
  // The bytes changed in transit, and the server rejected them.
  "BadDigest",
  "InvalidDigest",
  "IncompleteBody",
  "XAmzContentSHA256Mismatch",
]);

const FULL_CODES: ReadonlySet<string> = new Set([
  "QuotaExceeded",
  "XMinioStorageFull",
  "XMinioAdminBucketQuotaExceeded",
  "InsufficientStorage",
]);

function isTransient({ status, s3Code }: S3Failure): boolean {
  if (status === undefined) return true;
  if (status === 501 || status === 505 || status === 507) return false;
  return (
    status >= 500 || status === 429 || status === 408 || (s3Code !== undefined && TRANSIENT_CODES.has(s3Code))
  );
}

/** The request that failed. Decides what a status means. */
export interface FailedRequest {
  /** For messages, as in 'upload part 3'. */
  readonly action: string;
  /** Names the object in messages. */
  readonly label: string;
  /** The request's condition. */
  readonly put?: PutMode | undefined;
}

/** Makes the error of a failed request. */
export function s3Error(failure: S3Failure, { action, label, put = "overwrite" }: FailedRequest): S3Error {
  const { status, s3Code } = failure;
  const detail = [status, s3Code].filter((part) => part !== undefined).join(" ");
  const make = (code: ErrorCode, reason: string): S3Error => {
    const message = `${label}: could not ${action}: ${reason}${detail === "" ? "" : ` (${detail})`}.`;
    return new S3Error(code, message, failure);
  };

  if (s3Code !== undefined && FULL_CODES.has(s3Code)) return make("quota", "the server is out of space");
  if (isTransient(failure)) {
    return make("network", status === undefined ? "there was no usable response" : "the server failed");
  }
  if (status === 412) {
    return put === "create" ? make("exists", "the object exists") : make("changed", "the object has changed");
  }
  if (status === 409) return make("conflict", "another request is writing this object");
  if (status === 404) {
    // S3 responds 404 instead of 412 if the object of If-Match does not exist.
    const deleted = typeof put === "object" && s3Code !== "NoSuchBucket" && s3Code !== "NoSuchUpload";
    return deleted ? make("changed", "the object no longer exists") : make("not-found", "it does not exist");
  }
  if (status === 401 || status === 403) return make("denied", "access was denied");
  if (status !== undefined && status >= 300 && status < 400) {
    return make("denied", "the server redirects to another address, which gets no signed request");
  }
  if (status === 507) return make("quota", "the server is out of space");
  if (s3Code === "EntityTooLarge") return make("limit", "the server does not accept an object of this size");
  return make("denied", "the server rejected the request");
}

/** The code of the innermost system error, as in 'ECONNRESET'. Nothing else of a network error is safe to quote. */
export function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
  }
  return undefined;
}
