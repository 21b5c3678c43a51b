import { PeekpackError } from "@peekpack/core";
import { copySourceHeader } from "./copy-source.js";
import { crc32Base64, parseCrc32 } from "./crc32.js";
import { inBrowser } from "./environment.js";
import { errorCodeOf } from "./error-code.js";
import { MAX_RESPONSE } from "./limit-body.js";
import type { Commit, ObjectOperations } from "./object-operations.js";
import { readText } from "./read-text.js";
import { type FailedRequest, s3Error, systemCode } from "./s3-error.js";
import { serverDate } from "./server-date.js";
import type { StoredObject } from "./upload-target.js";
import { MARK_HEADER } from "./write-mark.js";
import { xmlElements, xmlEscape, xmlText } from "./xml.js";

/** The requests of an upload, by S3's names for them. */
export type UploadOperation =
  | "PutObject"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "UploadPartCopy"
  | "ListParts"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "DeleteObject"
  | "HeadObject";

/** One request of an upload, before it is authorized. */
export interface OperationRequest {
  readonly operation: UploadOperation;
  readonly method: "PUT" | "POST" | "GET" | "DELETE" | "HEAD";
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A request that may be sent. */
export interface AuthorizedRequest {
  send(): Promise<Response>;
  /** What authorizes the request, and so must not enter a message. */
  readonly secrets: readonly string[];
}

/** Authorizes a request. Its errors are the caller's, and pass through unchanged; those of sending become S3Errors. */
export type Authorize = (request: OperationRequest) => Promise<AuthorizedRequest>;

/** The operations over HTTP. */
export function httpOperations(authorize: Authorize, label: string): ObjectOperations {
  const send = async (
    failed: Omit<FailedRequest, "label">,
    request: Omit<OperationRequest, "headers" | "query"> & Partial<OperationRequest>,
  ): Promise<{ readonly headers: Headers; readonly text: string }> => {
    const { signal } = request;
    const authorized = await authorize({ query: {}, headers: {}, ...request });
    signal?.throwIfAborted();
    try {
      const response = await authorized.send();
      const text = await readText(response, MAX_RESPONSE);
      const { status, headers } = response;
      // Completing and copying may respond 200 before they fail. The body then has the error.
      const failedLate = status < 300 && /<Error[\s>]/.test(text);
      if (response.ok && !failedLate) return { headers, text };
      const after = Number(headers.get("retry-after") ?? undefined);
      throw s3Error(
        {
          status: failedLate ? 503 : status,
          s3Code: errorCodeOf(text, authorized.secrets),
          retryAfter: after > 0 ? after * 1000 : undefined,
        },
        { ...failed, label },
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof PeekpackError) throw error;
      throw s3Error({ s3Code: systemCode(error) }, { ...failed, label });
    }
  };
  const required = (value: string | undefined | null, failed: Omit<FailedRequest, "label">): string => {
    if (!value) throw s3Error({ s3Code: "EmptyResponse" }, { ...failed, label });
    return value;
  };

  return {
    label,
    async put(body, { put, crc32, mark, signal }) {
      const { headers } = await send(
        { action: "put the object", put },
        {
          operation: "PutObject",
          method: "PUT",
          headers: { ...conditions(put), ...checksum(crc32), [MARK_HEADER]: mark },
          body,
          signal,
        },
      );
      return namesOf(headers.get("etag"), headers);
    },
    async create({ crc32, mark, signal }) {
      const failed = { action: "begin an upload" };
      const { text } = await send(failed, {
        operation: "CreateMultipartUpload",
        method: "POST",
        query: { uploads: "" },
        headers: {
          ...(crc32 ? { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" } : {}),
          [MARK_HEADER]: mark,
        },
        signal,
      });
      return required(xmlText(text, "UploadId"), failed);
    },
    async uploadPart(upload, number, body, { crc32, signal }) {
      const failed = { action: `upload part ${number}` };
      const { headers } = await send(failed, {
        operation: "UploadPart",
        method: "PUT",
        query: { partNumber: String(number), uploadId: upload.id },
        headers: checksum(crc32),
        body,
        signal,
      });
      const etag = headers.get("etag");
      if (etag === null && inBrowser()) {
        throw new PeekpackError(
          "network",
          `${label}: this page cannot read the ETag: add ETag to the exposed headers of the bucket's CORS rules.`,
          { section: "sink" },
        );
      }
      return required(etag, failed);
    },
    async copyPart(upload, number, source, { signal }) {
      const failed = { action: `copy part ${number}`, put: { ifMatch: "" } };
      const { text } = await send(failed, {
        operation: "UploadPartCopy",
        method: "PUT",
        query: { partNumber: String(number), uploadId: upload.id },
        headers: {
          "x-amz-copy-source": copySourceHeader(source),
          "x-amz-copy-source-range": `bytes=${source.start}-${source.end - 1}`,
          ...(source.ifMatch === undefined ? {} : { "x-amz-copy-source-if-match": source.ifMatch }),
        },
        signal,
      });
      return required(xmlText(text, "ETag"), failed);
    },
    async listParts(upload, after, { signal }) {
      const { text } = await send(
        { action: "list the parts" },
        {
          operation: "ListParts",
          method: "GET",
          query: {
            uploadId: upload.id,
            ...(after === undefined ? {} : { "part-number-marker": String(after) }),
          },
          signal,
        },
      );
      const parts = xmlElements(text, "Part").map((part) => {
        const crc32 = parseCrc32(xmlText(part, "ChecksumCRC32"));
        return {
          number: Number(xmlText(part, "PartNumber")),
          size: Number(xmlText(part, "Size")),
          etag: xmlText(part, "ETag") ?? "",
          ...(crc32 === undefined ? {} : { crc32 }),
        };
      });
      const next = Number(xmlText(text, "NextPartNumberMarker"));
      return xmlText(text, "IsTruncated") === "true" && next > 0 ? { parts, next } : { parts };
    },
    async complete(upload, parts, { put, crc32, signal }) {
      const failed = { action: "complete the upload", put };
      const listed = parts.map(({ number, etag, crc32 }) => {
        const sum = crc32 === undefined ? "" : `<ChecksumCRC32>${crc32Base64(crc32)}</ChecksumCRC32>`;
        return `<Part><PartNumber>${number}</PartNumber><ETag>${xmlEscape(etag)}</ETag>${sum}</Part>`;
      });
      const { text, headers } = await send(failed, {
        operation: "CompleteMultipartUpload",
        method: "POST",
        query: { uploadId: upload.id },
        headers: {
          ...conditions(put),
          ...(crc32 === undefined ? {} : { ...checksum(crc32), "x-amz-checksum-type": "FULL_OBJECT" }),
        },
        body: new TextEncoder().encode(
          `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join("")}</CompleteMultipartUpload>`,
        ),
        signal,
      });
      return namesOf(required(xmlText(text, "ETag"), failed), headers);
    },
    async abort(upload, { signal }) {
      await send(
        { action: "abort the upload" },
        { operation: "AbortMultipartUpload", method: "DELETE", query: { uploadId: upload.id }, signal },
      );
    },
    async remove({ ifMatch, signal }) {
      const put = ifMatch === undefined ? "overwrite" : { ifMatch };
      await send(
        { action: "remove the object", put },
        { operation: "DeleteObject", method: "DELETE", headers: conditions(put), signal },
      );
    },
    async head({ signal }) {
      try {
        const failed = { action: "look up the object" };
        const { headers } = await send(failed, { operation: "HeadObject", method: "HEAD", signal });
        return {
          size: Number(required(headers.get("content-length"), failed)),
          ...namesOf(headers.get("etag"), headers),
          modified: serverDate(headers.get("last-modified")),
          mark: headers.get(MARK_HEADER) ?? undefined,
        };
      } catch (error) {
        if (error instanceof PeekpackError && error.code === "not-found") return undefined;
        throw error;
      }
    },
  };
}

function conditions(put: Commit["put"]): Record<string, string> {
  if (put === "overwrite") return {};
  return put === "create" ? { "if-none-match": "*" } : { "if-match": put.ifMatch };
}

function checksum(crc32: number | undefined): Record<string, string> {
  return crc32 === undefined ? {} : { "x-amz-checksum-crc32": crc32Base64(crc32) };
}

function namesOf(etag: string | null, headers: Headers): Omit<StoredObject, "size"> {
  const versionId = headers.get("x-amz-version-id");
  return {
    ...(etag === null ? {} : { etag }),
    ...(versionId === null || versionId === "null" ? {} : { versionId }),
  };
}
