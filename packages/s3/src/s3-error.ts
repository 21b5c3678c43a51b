import { type ErrorCode, PeekpackError } from "@peekpack/core";
import type { PutMode } from "./upload-target.js";

/** What is known of an answer that is not a success. */
export interface S3Failure {
  /** HTTP status; undefined where no answer came. */
  readonly status?: number | undefined;
  /** S3's code, as in 'NoSuchUpload'; or a system's, as in 'ECONNRESET'. */
  readonly s3Code?: string | undefined;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfter?: number | undefined;
}

/** An error that S3 answered with, or the lack of an answer. Quotes nothing of the answer but its code. */
export class S3Error extends PeekpackError {
  /** HTTP status; undefined where no answer came. */
  readonly status: number | undefined;
  /** S3's own code, as in 'NoSuchUpload'. */
  readonly s3Code: string | undefined;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfter: number | undefined;
  /** Whether the same request may do better later. */
  readonly retryable: boolean;
  /** Whether the request may have taken effect all the same. */
  readonly ambiguous: boolean;

  constructor(code: ErrorCode, message: string, failure: S3Failure) {
    super(code, message, { section: "sink" });
    this.status = failure.status;
    this.s3Code = failure.s3Code;
    this.retryAfter = failure.retryAfter;
    this.retryable = isTransient(failure) || code === "conflict";
    this.ambiguous = failure.status === undefined || failure.status >= 500;
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
  // The bytes were harmed on their way, and the server has refused them.
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

/** What was asked, and under which conditions: decides what a status means. */
export interface FailedRequest {
  /** In words, for the message: 'upload part 3'. */
  readonly doing: string;
  /** The object, fit for messages. */
  readonly label: string;
  /** The condition that the request carried. */
  readonly put?: PutMode | undefined;
}

/** Turns a failure into the error of the contract. */
export function s3Error(failure: S3Failure, { doing, label, put = "overwrite" }: FailedRequest): S3Error {
  const { status, s3Code } = failure;
  const told = [status, s3Code].filter((part) => part !== undefined).join(" ");
  const make = (code: ErrorCode, what: string): S3Error =>
    new S3Error(code, `${label}: could not ${doing}: ${what}${told === "" ? "" : ` (${told})`}.`, failure);

  if (s3Code !== undefined && FULL_CODES.has(s3Code)) return make("quota", "the server has no room");
  if (isTransient(failure)) {
    return make("network", status === undefined ? "no usable answer" : "the server is in trouble");
  }
  if (status === 412) {
    return put === "create"
      ? make("exists", "the object is already there")
      : make("changed", "the object has changed");
  }
  if (status === 409) return make("conflict", "another writer is at work on this object");
  if (status === 404) {
    // S3 answers 404 rather than 412 where If-Match meets no object at all.
    const gone = typeof put === "object" && s3Code !== "NoSuchBucket" && s3Code !== "NoSuchUpload";
    return gone ? make("changed", "the object to replace is gone") : make("not-found", "it is not there");
  }
  if (status === 401 || status === 403) return make("denied", "the server refused");
  if (status === 507) return make("quota", "the server has no room");
  if (s3Code === "EntityTooLarge") return make("limit", "the server takes no object of this size");
  return make("denied", "the server rejected the request");
}

/** The code of the innermost system error ('ECONNRESET'): the one thing of a transport's error that is safe to quote. */
export function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
  }
  return undefined;
}
