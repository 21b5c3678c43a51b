import type { S3Client } from "@aws-sdk/client-s3";
import { isPeekpackError } from "@peekpack/core";
import { crc32Base64, parseCrc32 } from "./crc32.js";
import { encodeKey } from "./location.js";
import type { ObjectOperations } from "./object-operations.js";
import { type FailedRequest, type S3Error, s3Error, systemCode } from "./s3-error.js";
import type { PutMode } from "./upload-target.js";

/** An S3Client of the AWS SDK, of whatever version: only its shape is asked for. */
export interface S3ClientLike {
  send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

/** Names an object as the SDK's commands do. */
export interface S3ObjectName {
  readonly Bucket: string;
  readonly Key: string;
}

/**
 * The operations over the AWS SDK, which is loaded at the first of them. `renew` has credentials renewed that the server
 * calls expired.
 */
export function sdkOperations(
  open: () => Promise<S3ClientLike> | S3ClientLike,
  { Bucket, Key }: S3ObjectName,
  label: string,
  renew?: () => void,
): ObjectOperations {
  const where = { Bucket, Key };
  type Sdk = typeof import("@aws-sdk/client-s3");

  const send = async <T>(
    failed: Omit<FailedRequest, "label">,
    signal: AbortSignal | undefined,
    ask: (client: S3Client, sdk: Sdk, options: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> => {
    const sdk = await import("@aws-sdk/client-s3");
    const client = (await open()) as S3Client;
    for (let renewed = renew === undefined; ; renewed = true) {
      signal?.throwIfAborted();
      try {
        return await ask(client, sdk, signal === undefined ? {} : { abortSignal: signal });
      } catch (error) {
        signal?.throwIfAborted();
        if (isPeekpackError(error)) throw error;
        const failure = sdkFailure(error, { ...failed, label });
        if (renewed || !/^(ExpiredToken|TokenRefreshRequired)$/.test(failure.s3Code ?? "")) throw failure;
        renew?.();
      }
    }
  };

  return {
    label,
    async put(body, { put, crc32, signal }) {
      const answer = await send(
        { doing: "put the object", put },
        signal,
        (client, { PutObjectCommand }, options) =>
          client.send(
            new PutObjectCommand({
              ...where,
              ...condition(put),
              Body: body,
              ContentLength: body.length,
              ...(crc32 === undefined ? {} : { ChecksumCRC32: crc32Base64(crc32) }),
            }),
            options,
          ),
      );
      return named(answer.ETag, answer.VersionId);
    },
    async create({ crc32, signal }) {
      const failed = { doing: "begin an upload" };
      const { UploadId } = await send(failed, signal, (client, { CreateMultipartUploadCommand }, options) =>
        client.send(
          new CreateMultipartUploadCommand({
            ...where,
            ...(crc32 ? { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } : {}),
          }),
          options,
        ),
      );
      return given(UploadId, failed);
    },
    async uploadPart(upload, number, body, { crc32, signal }) {
      const failed = { doing: `upload part ${number}` };
      const { ETag } = await send(failed, signal, (client, { UploadPartCommand }, options) =>
        client.send(
          new UploadPartCommand({
            ...where,
            UploadId: upload.id,
            PartNumber: number,
            Body: body,
            ContentLength: body.length,
            ...(crc32 === undefined ? {} : { ChecksumCRC32: crc32Base64(crc32) }),
          }),
          options,
        ),
      );
      return given(ETag, failed);
    },
    async copyPart(upload, number, source, { signal }) {
      const failed = { doing: `copy part ${number}`, put: { ifMatch: "" } };
      const { CopyPartResult } = await send(failed, signal, (client, { UploadPartCopyCommand }, options) =>
        client.send(
          new UploadPartCopyCommand({
            ...where,
            UploadId: upload.id,
            PartNumber: number,
            CopySource: copySourceName(source),
            CopySourceRange: `bytes=${source.start}-${source.end - 1}`,
            ...(source.ifMatch === undefined ? {} : { CopySourceIfMatch: source.ifMatch }),
          }),
          options,
        ),
      );
      return given(CopyPartResult?.ETag, failed);
    },
    async listParts(upload, after, { signal }) {
      const page = await send({ doing: "list the parts" }, signal, (client, { ListPartsCommand }, options) =>
        client.send(
          new ListPartsCommand({
            ...where,
            UploadId: upload.id,
            ...(after === undefined ? {} : { PartNumberMarker: String(after) }),
          }),
          options,
        ),
      );
      const parts = (page.Parts ?? []).map(({ PartNumber = 0, Size = 0, ETag = "", ChecksumCRC32 }) => {
        const crc32 = parseCrc32(ChecksumCRC32);
        return { number: PartNumber, size: Size, etag: ETag, ...(crc32 === undefined ? {} : { crc32 }) };
      });
      const next = Number(page.NextPartNumberMarker);
      return page.IsTruncated && next > 0 ? { parts, next } : { parts };
    },
    async complete(upload, parts, { put, crc32, signal }) {
      const failed = { doing: "complete the upload", put };
      const answer = await send(failed, signal, (client, { CompleteMultipartUploadCommand }, options) =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...where,
            UploadId: upload.id,
            MultipartUpload: {
              Parts: parts.map(({ number, etag, crc32 }) => ({
                PartNumber: number,
                ETag: etag,
                ...(crc32 === undefined ? {} : { ChecksumCRC32: crc32Base64(crc32) }),
              })),
            },
            ...condition(put),
            ...(crc32 === undefined
              ? {}
              : { ChecksumCRC32: crc32Base64(crc32), ChecksumType: "FULL_OBJECT" }),
          }),
          options,
        ),
      );
      return named(answer.ETag, answer.VersionId);
    },
    async abort(upload, { signal }) {
      await send({ doing: "abort the upload" }, signal, (client, { AbortMultipartUploadCommand }, options) =>
        client.send(new AbortMultipartUploadCommand({ ...where, UploadId: upload.id }), options),
      );
    },
    async remove({ signal }) {
      await send({ doing: "remove the object" }, signal, (client, { DeleteObjectCommand }, options) =>
        client.send(new DeleteObjectCommand(where), options),
      );
    },
    async look({ signal }) {
      try {
        const there = await send(
          { doing: "look the object up" },
          signal,
          (client, { HeadObjectCommand }, options) => client.send(new HeadObjectCommand(where), options),
        );
        return { size: there.ContentLength ?? 0, ...named(there.ETag, there.VersionId) };
      } catch (error) {
        if ((error as { code?: unknown }).code === "not-found") return undefined;
        throw error;
      }
    },
  };

  function given(value: string | undefined, failed: Omit<FailedRequest, "label">): string {
    if (value === undefined || value === "") throw s3Error({ s3Code: "EmptyAnswer" }, { ...failed, label });
    return value;
  }
}

/** The SDK's parameters for a put mode. */
function condition(put: PutMode): { IfNoneMatch?: string; IfMatch?: string } {
  if (put === "overwrite") return {};
  return put === "create" ? { IfNoneMatch: "*" } : { IfMatch: put.ifMatch };
}

function named(
  etag: string | undefined,
  versionId: string | undefined,
): { readonly etag?: string; readonly versionId?: string } {
  return {
    ...(etag === undefined ? {} : { etag }),
    ...(versionId === undefined || versionId === "null" ? {} : { versionId }),
  };
}

/** The value of x-amz-copy-source: encoded, since it is a part of a URL that travels as a header. */
function copySourceName({
  bucket,
  key,
  versionId,
}: {
  bucket: string;
  key: string;
  versionId?: string | undefined;
}): string {
  const name = `${bucket}/${encodeKey(key)}`;
  return versionId === undefined ? name : `${name}?versionId=${encodeURIComponent(versionId)}`;
}

/** What the SDK throws holds the whole answer, and sometimes the request: only status, code and delay are taken. */
function sdkFailure(error: unknown, failed: FailedRequest): S3Error {
  const { name, $metadata, $response } = error as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
    $response?: { headers?: Record<string, string>; statusCode?: number };
  };
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  if (status === undefined) {
    if (name === "CredentialsProviderError") {
      return s3Error({ status: 401, s3Code: "NoCredentials" }, failed);
    }
    return s3Error({ s3Code: systemCode(error) }, failed);
  }
  const after = Number($response?.headers?.["retry-after"]);
  // A body that ends in an error after a 200 is told by its code alone.
  return s3Error(
    {
      status: status < 300 ? 503 : status,
      s3Code: name !== undefined && /^[A-Za-z][A-Za-z0-9]*$/.test(name) ? name : undefined,
      retryAfter: after > 0 ? after * 1000 : undefined,
    },
    failed,
  );
}
