import type { S3Client } from "@aws-sdk/client-s3";
import { isPeekpackError, type PeekpackError } from "@peekpack/core";
import { copySourceHeader } from "./copy-source.js";
import { crc32Base64, parseCrc32 } from "./crc32.js";
import { safeCode, secretsOf } from "./error-code.js";
import { limitBody, MAX_RESPONSE } from "./limit-body.js";
import type { ObjectOperations } from "./object-operations.js";
import { isExpired } from "./refusal.js";
import { type FailedRequest, S3Error, s3Error, systemCode } from "./s3-error.js";
import type { S3ClientLike, S3ObjectName } from "./sdk-client-like.js";
import { loadSdk, type Sdk } from "./sdk-code.js";
import { noXml, requireXml } from "./sdk-xml.js";
import type { PutMode } from "./upload-target.js";
import { MARK_NAME } from "./write-mark.js";

/**
 * The operations over the AWS SDK. Loads it at the first operation. `renew` replaces credentials that the server calls
 * expired.
 */
export function sdkOperations(
  open: () => Promise<S3ClientLike> | S3ClientLike,
  { Bucket, Key }: S3ObjectName,
  label: string,
  renew?: () => void,
): ObjectOperations {
  const object = { Bucket, Key };
  let readsXml = false;

  const send = async <T>(
    failed: Omit<FailedRequest, "label">,
    signal: AbortSignal | undefined,
    request: (client: Pick<S3Client, "send">, sdk: Sdk, options: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> => {
    const sdk = await loadSdk();
    if (!readsXml) await requireXml(sdk);
    readsXml = true;
    const client = (await open()) as S3Client;
    const limited = limitResponses(client);
    for (let renewed = renew === undefined; ; renewed = true) {
      signal?.throwIfAborted();
      try {
        return await request(limited, sdk, signal === undefined ? {} : { abortSignal: signal });
      } catch (error) {
        signal?.throwIfAborted();
        if (isPeekpackError(error)) throw error;
        const secrets = secretsOf(await client.config?.credentials?.().catch(() => undefined));
        const failure = sdkFailure(error, { ...failed, label }, secrets);
        if (renewed || !(failure instanceof S3Error) || !isExpired(failure.s3Code)) throw failure;
        renew?.();
      }
    }
  };

  return {
    label,
    async put(body, { put, crc32, mark, signal }) {
      const response = await send(
        { action: "put the object", put },
        signal,
        (client, { PutObjectCommand }, options) =>
          client.send(
            new PutObjectCommand({
              ...object,
              ...condition(put),
              Body: body,
              ContentLength: body.length,
              Metadata: { [MARK_NAME]: mark },
              ...(crc32 === undefined ? {} : { ChecksumCRC32: crc32Base64(crc32) }),
            }),
            options,
          ),
      );
      return namesOf(response.ETag, response.VersionId);
    },
    async create({ crc32, mark, signal }) {
      const failed = { action: "begin an upload" };
      const { UploadId } = await send(failed, signal, (client, { CreateMultipartUploadCommand }, options) =>
        client.send(
          new CreateMultipartUploadCommand({
            ...object,
            Metadata: { [MARK_NAME]: mark },
            ...(crc32 ? { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } : {}),
          }),
          options,
        ),
      );
      return required(UploadId, failed);
    },
    async uploadPart(upload, number, body, { crc32, signal }) {
      const failed = { action: `upload part ${number}` };
      const { ETag } = await send(failed, signal, (client, { UploadPartCommand }, options) =>
        client.send(
          new UploadPartCommand({
            ...object,
            UploadId: upload.id,
            PartNumber: number,
            Body: body,
            ContentLength: body.length,
            ...(crc32 === undefined ? {} : { ChecksumCRC32: crc32Base64(crc32) }),
          }),
          options,
        ),
      );
      return required(ETag, failed);
    },
    async copyPart(upload, number, source, { signal }) {
      const failed = { action: `copy part ${number}`, put: { ifMatch: "" } };
      const { CopyPartResult } = await send(failed, signal, (client, { UploadPartCopyCommand }, options) =>
        client.send(
          new UploadPartCopyCommand({
            ...object,
            UploadId: upload.id,
            PartNumber: number,
            CopySource: copySourceHeader(source),
            CopySourceRange: `bytes=${source.start}-${source.end - 1}`,
            ...(source.ifMatch === undefined ? {} : { CopySourceIfMatch: source.ifMatch }),
          }),
          options,
        ),
      );
      return required(CopyPartResult?.ETag, failed);
    },
    async listParts(upload, after, { signal }) {
      const page = await send({ action: "list the parts" }, signal, (client, { ListPartsCommand }, options) =>
        client.send(
          new ListPartsCommand({
            ...object,
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
      const failed = { action: "complete the upload", put };
      const response = await send(failed, signal, (client, { CompleteMultipartUploadCommand }, options) =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...object,
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
      return namesOf(response.ETag, response.VersionId);
    },
    async abort(upload, { signal }) {
      await send({ action: "abort the upload" }, signal, (client, { AbortMultipartUploadCommand }, options) =>
        client.send(new AbortMultipartUploadCommand({ ...object, UploadId: upload.id }), options),
      );
    },
    async remove({ ifMatch, signal }) {
      const put = ifMatch === undefined ? "overwrite" : { ifMatch };
      await send({ action: "remove the object", put }, signal, (client, { DeleteObjectCommand }, options) =>
        client.send(new DeleteObjectCommand({ ...object, ...condition(put) }), options),
      );
    },
    async head({ signal }) {
      try {
        const found = await send(
          { action: "look up the object" },
          signal,
          (client, { HeadObjectCommand }, options) => client.send(new HeadObjectCommand(object), options),
        );
        return {
          size: found.ContentLength ?? 0,
          ...namesOf(found.ETag, found.VersionId),
          modified: found.LastModified,
          mark: found.Metadata?.[MARK_NAME],
        };
      } catch (error) {
        if ((error as { code?: unknown }).code === "not-found") return undefined;
        throw error;
      }
    },
  };

  function required(value: string | undefined, failed: Omit<FailedRequest, "label">): string {
    if (value === undefined || value === "") throw s3Error({ s3Code: "EmptyResponse" }, { ...failed, label });
    return value;
  }
}

/** A client that reads at most {@link MAX_RESPONSE} bytes of each response. */
function limitResponses(client: S3Client): Pick<S3Client, "send"> {
  const send = (command: LimitedCommand, options: object): unknown => {
    command.middlewareStack.add(
      (next) => async (input) => {
        const output = await next(input);
        const response = output.response as { body?: unknown };
        response.body = limitBody(response.body, MAX_RESPONSE);
        return output;
      },
      // The last middleware before the response arrives.
      { name: "peekpackLimitResponse", step: "deserialize", priority: "low", override: true },
    );
    return client.send(command as never, options);
  };
  return { send } as Pick<S3Client, "send">;
}

interface LimitedCommand {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (input: unknown) => Promise<{ response: unknown }>,
      ) => (input: unknown) => Promise<unknown>,
      options: object,
    ): void;
  };
}

/** The SDK's parameters for a put mode. */
function condition(put: PutMode): { IfNoneMatch?: string; IfMatch?: string } {
  if (put === "overwrite") return {};
  return put === "create" ? { IfNoneMatch: "*" } : { IfMatch: put.ifMatch };
}

function namesOf(
  etag: string | undefined,
  versionId: string | undefined,
): { readonly etag?: string; readonly versionId?: string } {
  return {
    ...(etag === undefined ? {} : { etag }),
    ...(versionId === undefined || versionId === "null" ? {} : { versionId }),
  };
}

/** The SDK's errors contain the whole response, and sometimes the request. Takes only status, code and delay. */
function sdkFailure(error: unknown, failed: FailedRequest, secrets: readonly string[]): PeekpackError {
  // Not the response is at fault, but the platform.
  if (error instanceof ReferenceError) return noXml(error);
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
  // Completing and copying may respond 200 before they fail.
  return s3Error(
    {
      status: status < 300 ? 503 : status,
      s3Code: safeCode(name, secrets),
      retryAfter: after > 0 ? after * 1000 : undefined,
    },
    failed,
  );
}
