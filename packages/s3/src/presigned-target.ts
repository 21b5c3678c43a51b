import { md5 } from "./etag.js";
import { type EndpointTraits, objectTarget } from "./object-target.js";
import type { RetryOptions } from "./persistence.js";
import { s3Error } from "./s3-error.js";
import type { PutMode, UploadTarget } from "./upload-target.js";
import { type UploadOperation, type WireRequest, wireOperations } from "./wire-operations.js";

/** What a presigner is asked to allow. */
export interface PresignRequest {
  /** S3's name for it. */
  readonly operation: UploadOperation;
  readonly method: "PUT" | "POST" | "GET" | "DELETE" | "HEAD";
  /** Query parameters that the URL must have, `uploadId` and `partNumber` among them. */
  readonly query: Readonly<Record<string, string>>;
  /**
   * Headers that the request would like to carry: conditions and checksums, in lower case. Those named x-amz-* are sent
   * only where the URL covers them, as a signed header or moved into its query.
   */
  readonly headers: Readonly<Record<string, string>>;
}

/** Gives a URL that allows the request. Called for every attempt, so that an expired one is replaced. */
export type Presigner = (request: PresignRequest) => Promise<string | URL> | string | URL;

/** How an object is written by presigned URLs. */
export interface PresignedTargetOptions {
  /** Names the object in messages and journals; no credential, no query string. Default 'presigned upload'. */
  readonly label?: string | undefined;
  readonly put?: PutMode | undefined;
  readonly retry?: RetryOptions | undefined;
  /** What sends requests. Default the global fetch. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
}

/**
 * An upload target for whoever holds no credentials, as a page in a browser: a callback, which asks its own server, gives
 * a presigned URL for each request. A body that the URL covers no checksum of is sent with its MD5.
 */
export function presignedTarget(sign: Presigner, options: PresignedTargetOptions = {}): UploadTarget {
  const { label = "presigned upload", put, retry } = options;
  const traits: EndpointTraits = { crc32: true };
  const wire = async (request: WireRequest): Promise<() => Promise<Response>> => {
    const { operation, method, query, headers, body, signal } = request;
    const url = new URL(await sign({ operation, method, query, headers }));
    const sent = coveredHeaders(url, headers);
    if (operation === "CreateMultipartUpload" && headers["x-amz-checksum-algorithm"] && !sent.algorithm) {
      // Parts with checksums of an upload without are refused: better to know at once.
      throw s3Error({ status: 501, s3Code: "ChecksumNotSigned" }, { doing: "begin an upload", label });
    }
    const checked = body === undefined || method === "POST" || sent.crc32;
    const digest = checked ? {} : { "content-md5": btoa(String.fromCharCode(...(await md5(body)))) };
    return () =>
      (options.fetch ?? globalThis.fetch)(
        new Request(url, {
          method,
          headers: { ...sent.headers, ...digest },
          credentials: "omit",
          ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
          ...(signal === undefined ? {} : { signal }),
        }),
      );
  };
  return objectTarget(wireOperations(wire, label), { put, retry, traits });
}

/** Those headers that may accompany a presigned URL: an x-amz-* header that it does not cover makes S3 refuse. */
function coveredHeaders(
  url: URL,
  wanted: Readonly<Record<string, string>>,
): { readonly headers: Record<string, string>; readonly crc32: boolean; readonly algorithm: boolean } {
  const inQuery = new Set([...url.searchParams.keys()].map((name) => name.toLowerCase()));
  const signed = new Set((url.searchParams.get("X-Amz-SignedHeaders") ?? "").toLowerCase().split(";"));
  const covered = (name: string): boolean => inQuery.has(name) || signed.has(name);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (signed.has(name) || !name.startsWith("x-amz-")) headers[name] = value;
  }
  return {
    headers,
    crc32: "x-amz-checksum-crc32" in wanted && covered("x-amz-checksum-crc32"),
    algorithm: covered("x-amz-checksum-algorithm"),
  };
}
