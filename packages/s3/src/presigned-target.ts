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
   * only where the URL's signature covers them as headers (the AWS presigner's `unhoistableHeaders`).
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
 * a presigned URL for each request. A body that the signature covers no checksum of is sent with its MD5.
 */
export function presignedTarget(sign: Presigner, options: PresignedTargetOptions = {}): UploadTarget {
  const { label = "presigned upload", put, retry } = options;
  const traits: EndpointTraits = { crc32: true };
  const wire = async (request: WireRequest): Promise<() => Promise<Response>> => {
    const { operation, method, query, headers, body, signal } = request;
    const url = new URL(await sign({ operation, method, query, headers }));
    const sent = signedHeaders(url, headers);
    if ("x-amz-checksum-algorithm" in headers && !("x-amz-checksum-algorithm" in sent)) {
      // Parts with checksums of an upload without are refused: better to know at once.
      throw s3Error({ status: 501, s3Code: "ChecksumNotSigned" }, { doing: "begin an upload", label });
    }
    if (body !== undefined && !("x-amz-checksum-crc32" in sent)) {
      sent["content-md5"] = btoa(String.fromCharCode(...(await md5(body))));
    }
    return () =>
      (options.fetch ?? globalThis.fetch)(
        new Request(url, {
          method,
          headers: sent,
          credentials: "omit",
          ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
          ...(signal === undefined ? {} : { signal }),
        }),
      );
  };
  return objectTarget(wireOperations(wire, label), { put, retry, traits });
}

/**
 * Those headers that may accompany a presigned URL: S3 refuses an x-amz-* header that is not signed. One that a signer
 * has moved into the query counts as absent, since not every server looks for it there.
 */
function signedHeaders(url: URL, wanted: Readonly<Record<string, string>>): Record<string, string> {
  const signed = new Set((url.searchParams.get("X-Amz-SignedHeaders") ?? "").toLowerCase().split(";"));
  return Object.fromEntries(
    Object.entries(wanted).filter(([name]) => signed.has(name) || !name.startsWith("x-amz-")),
  );
}
