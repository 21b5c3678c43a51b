import { md5 } from "./etag.js";
import { type Fetch, fetchRequest } from "./fetch-request.js";
import {
  type AuthorizedRequest,
  httpOperations,
  type OperationRequest,
  type UploadOperation,
} from "./http-operations.js";
import { type EndpointTraits, objectTarget } from "./object-target.js";
import type { WriteRetryOptions } from "./retry.js";
import { s3Error } from "./s3-error.js";
import type { PutMode, UploadTarget } from "./upload-target.js";

/** A request that needs a presigned URL. */
export interface PresignRequest {
  /** S3's name of the request. */
  readonly operation: UploadOperation;
  readonly method: "PUT" | "POST" | "GET" | "DELETE" | "HEAD";
  /** Query parameters that the URL must have, `uploadId` and `partNumber` among them. */
  readonly query: Readonly<Record<string, string>>;
  /**
   * Headers of the request: conditions, checksums and the mark of the write, names in lower case. Headers named x-amz-* are sent only if the URL's
   * signature covers them as headers (`unhoistableHeaders` of the AWS presigner).
   */
  readonly headers: Readonly<Record<string, string>>;
}

/** Returns a URL that allows the request. Called for every attempt, so that an expired URL is replaced. */
export type Presigner = (request: PresignRequest) => Promise<string | URL> | string | URL;

/** Options of {@link presignedTarget}. */
export interface PresignedTargetOptions {
  /** Names the object in messages and journals. Contains no credential and no query string. Default 'presigned upload'. */
  readonly label?: string | undefined;
  readonly put?: PutMode | undefined;
  readonly retry?: WriteRetryOptions | undefined;
  /** Sends requests. Default the global fetch. */
  readonly fetch?: Fetch | undefined;
}

/**
 * An upload target without credentials, for example in a page: a callback asks the application's server for a presigned URL for
 * each request. A body whose checksum the signature does not cover is sent with its MD5.
 */
export function presignedTarget(sign: Presigner, options: PresignedTargetOptions = {}): UploadTarget {
  const { label = "presigned upload", put, retry } = options;
  const traits: EndpointTraits = { crc32: true };
  const authorize = async (request: OperationRequest): Promise<AuthorizedRequest> => {
    const { operation, method, query, headers, body, signal } = request;
    const url = new URL(await sign({ operation, method, query, headers }));
    const sent = allowedHeaders(url, headers);
    if ("x-amz-checksum-algorithm" in headers && !("x-amz-checksum-algorithm" in sent)) {
      // The server would refuse parts with checksums later.
      throw s3Error({ status: 501, s3Code: "ChecksumNotSigned" }, { action: "begin an upload", label });
    }
    if (body !== undefined && !("x-amz-checksum-crc32" in sent)) {
      sent["content-md5"] = btoa(String.fromCharCode(...md5(body)));
    }
    return {
      send: () => fetchRequest({ url, method, headers: sent, body, signal }, options.fetch),
      secrets: [...url.searchParams.values()].flatMap((value) => [value, ...value.split("/")]),
    };
  };
  return objectTarget(httpOperations(authorize, label), { put, retry, traits });
}

/**
 * The headers that may accompany a presigned URL: S3 refuses x-amz-* headers that are not signed as headers. A signer may have
 * moved one into the query, where not every server reads it.
 */
function allowedHeaders(url: URL, wanted: Readonly<Record<string, string>>): Record<string, string> {
  const signed = new Set((url.searchParams.get("X-Amz-SignedHeaders") ?? "").toLowerCase().split(";"));
  return Object.fromEntries(
    Object.entries(wanted).filter(([name]) => signed.has(name) || !name.startsWith("x-amz-")),
  );
}
