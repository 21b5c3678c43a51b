import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { PeekpackError } from "@peekpack/core";
import type { ConnectionSettings, S3Connection } from "./connection.js";
import type { S3Credentials } from "./credentials.js";
import { inBrowser } from "./environment.js";
import { visibleRedirect } from "./fetch-request.js";
import { DEFAULT_TIMEOUT_MS, type WriteRetryOptions } from "./retry.js";
import { loadFetchHandler, loadSdk } from "./sdk-code.js";

/** A client of the AWS SDK that is made when it is first used. */
export interface SdkClient {
  /** @throws PeekpackError `denied` if the SDK is not installed, `network` if its code cannot be loaded */
  open(): Promise<S3Client>;
  /** Calls the credentials provider again before the next request. */
  renew(): void;
  /** Closes the client's sockets. */
  close(): Promise<void>;
}

/** A client with a store's endpoint, region and credentials. */
export function sdkClient(
  connection: S3Connection,
  settings: ConnectionSettings,
  retry: WriteRetryOptions | undefined,
): SdkClient {
  let opening: Promise<S3Client> | undefined;
  /** What the SDK signed with last. */
  let used: S3Credentials | undefined;
  const credentials = async () => {
    used = await connection.credentials();
    if (used === undefined) {
      throw new PeekpackError("denied", "The credentials provider returned no credentials.", {
        section: "sink",
      });
    }
    const { accessKeyId, secretAccessKey, sessionToken } = used;
    return {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      // Expires soon, so that the SDK asks for every request: the connection caches and renews credentials.
      expiration: new Date(Date.now() + 60_000),
    };
  };
  const make = async (): Promise<S3Client> => {
    const [{ S3Client }, endpoint, identity] = await Promise.all([
      loadSdk(),
      settings.endpoint(),
      connection.credentials(),
    ]);
    return new S3Client({
      ...(endpoint === undefined ? {} : { endpoint: endpoint.href }),
      region: () => connection.region(),
      forcePathStyle: settings.pathStyle?.(endpoint) ?? endpoint !== undefined,
      followRegionRedirects: true,
      // objectTarget retries. It looks up the object after a lost response.
      maxAttempts: 1,
      // Operations set checksums explicitly. Not every server accepts those that the SDK adds.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      ...(identity === undefined ? ANONYMOUS : { credentials }),
      requestHandler: await requestHandler(settings.fetch, retry),
    });
  };
  return {
    open() {
      opening ??= make().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return opening;
    },
    renew() {
      if (used !== undefined) connection.renew(used);
    },
    async close() {
      const closing = opening;
      opening = undefined;
      (await closing?.catch(() => undefined))?.destroy();
    },
  };
}

/** The SDK needs an identity even if its signer signs nothing. */
const ANONYMOUS: Pick<S3ClientConfig, "credentials" | "signer"> = {
  credentials: { accessKeyId: "anonymous", secretAccessKey: "anonymous" },
  signer: { sign: async (request) => request },
};

async function requestHandler(
  send: ConnectionSettings["fetch"],
  retry: WriteRetryOptions | undefined,
): Promise<NonNullable<S3ClientConfig["requestHandler"]>> {
  // Node's handler follows no redirects. An idle socket times out long before the time for a large body is over.
  if (send === undefined && !inBrowser()) return { socketTimeout: retry?.timeoutMs ?? DEFAULT_TIMEOUT_MS };
  const { FetchHttpHandler } = await loadFetchHandler();
  return new FetchHttpHandler({
    credentials: "omit",
    requestInit: () => ({ redirect: "manual" }),
    customFetch: (async (request: Request) =>
      visibleRedirect(await (send ?? globalThis.fetch)(request))) as unknown as typeof fetch,
  });
}
