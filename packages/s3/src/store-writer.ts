import type { S3Client } from "@aws-sdk/client-s3";
import { PeekpackError } from "@peekpack/core";
import { Sha256 } from "@smithy/core/checksum";
import type { ConnectionSettings, S3Connection } from "./connection.js";
import type { S3Credentials } from "./credentials.js";
import type { ObjectLocation } from "./location.js";
import type { ObjectOperations } from "./object-operations.js";
import { type EndpointTraits, objectTarget } from "./object-target.js";
import { PATIENCE_MS, type RetryOptions } from "./persistence.js";
import { sdkOperations } from "./sdk-operations.js";
import type { PutMode, UploadTarget } from "./upload-target.js";
import { wireOperations } from "./wire-operations.js";

/** How requests that write are sent: by the AWS SDK, which is loaded for it, or by fetch, signed here. */
export type WriterKind = "sdk" | "fetch";

/** What a store knows that its writing half needs. */
export interface WriterContext {
  readonly connection: S3Connection;
  readonly settings: ConnectionSettings;
  readonly kind: WriterKind;
  readonly retry?: RetryOptions | undefined;
}

/** The writing half of a store; loaded when it is first used. */
export interface StoreWriter {
  target(location: ObjectLocation, label: string, put: PutMode): UploadTarget;
}

/** Makes the writing half of a store. */
export function storeWriter({ connection, settings, kind, retry }: WriterContext): StoreWriter {
  const traits: EndpointTraits = { crc32: true };
  let client: Promise<S3Client> | undefined;
  /** What the SDK signs with at present. */
  const given: { last?: S3Credentials } = {};
  const renew = (): void => {
    if (given.last !== undefined) connection.renew(given.last);
  };
  const open = (): Promise<S3Client> => {
    client ??= sdkClient(connection, settings, given, retry).catch((error: unknown) => {
      client = undefined;
      throw error;
    });
    return client;
  };
  const operations = (location: ObjectLocation, label: string): ObjectOperations =>
    kind === "sdk"
      ? sdkOperations(open, { Bucket: location.bucket, Key: location.key }, label, renew)
      : signedOperations(connection, location, label);
  return {
    target: (location, label, put) => objectTarget(operations(location, label), { put, retry, traits }),
  };
}

/** A client of the AWS SDK with a store's endpoint, region and credentials. */
async function sdkClient(
  connection: S3Connection,
  settings: ConnectionSettings,
  given: { last?: S3Credentials },
  retry: RetryOptions | undefined,
): Promise<S3Client> {
  const [{ S3Client }, endpoint, credentials] = await Promise.all([
    import("@aws-sdk/client-s3"),
    settings.endpoint(),
    connection.credentials(),
  ]);
  const { fetch: customFetch } = settings;
  const forcePathStyle = settings.pathStyle?.(endpoint) ?? endpoint !== undefined;
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint: endpoint.href }),
    region: () => connection.region(),
    forcePathStyle,
    followRegionRedirects: true,
    // One attempt: what is tried again, and when, is decided above, where a lost answer can be looked up.
    maxAttempts: 1,
    // Checksums are given explicitly; by itself the SDK adds some that not every server takes.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(credentials === undefined
      ? { signer: { sign: async (request) => request } }
      : { credentials: async () => sdkCredentials(connection, given) }),
    ...(customFetch === undefined
      ? // An idle socket is a stall, long before the time of a large body is over.
        { requestHandler: { socketTimeout: retry?.patience ?? PATIENCE_MS } }
      : {
          requestHandler: new (await import("@smithy/fetch-http-handler")).FetchHttpHandler({
            credentials: "omit",
            customFetch: customFetch as unknown as typeof fetch,
          }),
        }),
  });
}

async function sdkCredentials(
  connection: S3Connection,
  given: { last?: S3Credentials },
): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration: Date }> {
  const credentials = await connection.credentials();
  if (credentials === undefined)
    throw new PeekpackError("denied", "The credentials provider gives none any more.");
  given.last = credentials;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    // Soon to end, so that the SDK asks for every request: the connection keeps them, and renews them for all.
    expiration: new Date(Date.now() + 60_000),
  };
}

/** The operations of one object over fetch, signed here. The signature covers the body's SHA-256. */
function signedOperations(
  connection: S3Connection,
  { bucket, key }: ObjectLocation,
  label: string,
): ObjectOperations {
  return wireOperations(async ({ operation: _, body, headers, ...request }) => {
    const hashed =
      body === undefined ? headers : { ...headers, "x-amz-content-sha256": await sha256Hex(body) };
    return () => connection.send({ ...request, bucket, key, body, headers: hashed });
  }, label);
}

async function sha256Hex(body: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  let digest: Uint8Array;
  if (subtle !== undefined) {
    digest = new Uint8Array(await subtle.digest("SHA-256", body as Uint8Array<ArrayBuffer>));
  } else {
    // Pages without TLS have no WebCrypto.
    const sum = new Sha256();
    sum.update(body);
    digest = await sum.digest();
  }
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
