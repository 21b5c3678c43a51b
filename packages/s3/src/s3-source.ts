import {
  type ClosableSource,
  objectSource,
  type RequestLimiter,
  type TransportResponse,
} from "@peekpack/core";
import { type ConnectionSettings, endpointOf, openConnection, type S3Connection } from "./connection.js";
import type { S3Credentials } from "./credentials.js";
import { inBrowser } from "./environment.js";
import { checkLocation, type ObjectLocation } from "./location.js";

/** Options of a source of an S3 object. */
export interface S3SourceOptions {
  /**
   * The version to read: an S3 version id, or an ETag with its quotes, as in an archive's `info.version`. A version id may name an
   * older version; an ETag names the current one. Reading rejects with `changed` if the object has another. Default: the version
   * that the first response has.
   */
  readonly version?: string | undefined;
  /** ETag with its quotes that the object, or the version named by a version id, must have. Else reading rejects with `changed`. */
  readonly ifMatch?: string | undefined;
  /** Size of the object in bytes, if it is known. Saves a request. */
  readonly size?: number | undefined;
  /** How long a request may wait for bytes, in milliseconds: see `httpSource`. Default 20,000. */
  readonly stallMs?: number | undefined;
  /** Largest object that is kept whole if the server ignores ranges, in bytes. Default 4 MiB. */
  readonly wholeBytes?: number | undefined;
}

/**
 * Reads one object over a connection: by GET requests with a range, never by HEAD.
 * @throws TypeError if `version` and `ifMatch` are different ETags
 */
export function objectReader(
  connection: S3Connection,
  { bucket, key }: ObjectLocation,
  label: string,
  { version, size, ifMatch, stallMs, wholeBytes }: S3SourceOptions,
  limiter?: RequestLimiter,
): ClosableSource {
  // ETags have quotes, version ids do not.
  const isEtag = version !== undefined && /^(W\/)?"/.test(version);
  const versionId = isEtag ? undefined : version;
  if (isEtag && ifMatch !== undefined && ifMatch !== version) {
    throw new TypeError("version and ifMatch are different ETags.");
  }
  return objectSource(
    {
      get: ({ headers, signal, fresh }): Promise<TransportResponse> =>
        connection.send({
          method: "GET",
          bucket,
          key,
          headers,
          signal,
          ...(versionId === undefined ? {} : { query: { versionId } }),
          ...(fresh ? { cache: "no-store" } : {}),
        }),
    },
    {
      label,
      size,
      limiter,
      stallMs,
      wholeBytes,
      version: ifMatch ?? (isEtag ? version : undefined),
      browser: inBrowser(),
    },
  );
}

/** The part of an S3Client of the AWS SDK that {@link s3Source} uses. */
export interface S3ClientConfiguration {
  readonly config: {
    readonly region: string | (() => Promise<string>);
    readonly credentials?: S3Credentials | (() => Promise<S3Credentials>) | undefined;
    readonly endpoint?: (() => Promise<ClientEndpoint>) | undefined;
    readonly forcePathStyle?: boolean | (() => Promise<boolean>) | undefined;
  };
}

interface ClientEndpoint {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
}

/**
 * Reads an object with the credentials, region and endpoint of an AWS SDK client. Sends requests by fetch, so that the SDK is not
 * loaded. `VersionId` takes precedence over `options.version`.
 * @throws TypeError if the bucket or the key is missing
 */
export function s3Source(
  client: S3ClientConfiguration,
  { Bucket, Key, VersionId }: { readonly Bucket: string; readonly Key: string; readonly VersionId?: string },
  options: S3SourceOptions = {},
): ClosableSource {
  const location = checkLocation({ bucket: Bucket, key: Key });
  return objectReader(openConnection(clientSettings(client)), location, `s3://${Bucket}/${Key}`, {
    ...options,
    version: VersionId ?? options.version,
  });
}

function clientSettings({ config }: S3ClientConfiguration): ConnectionSettings {
  const { region, credentials, forcePathStyle } = config;
  return {
    region: async () => (typeof region === "function" ? region() : region),
    credentials: async () => (typeof credentials === "function" ? credentials() : credentials),
    async endpoint() {
      const given = await config.endpoint?.();
      if (given === undefined) return endpointOf({});
      const { protocol, hostname, port, path } = given;
      return new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`);
    },
    // Like the SDK: the bucket is part of the host unless forcePathStyle is set or the endpoint is an IP address.
    pathStyle: (endpoint) =>
      forcePathStyle === true ||
      (endpoint === undefined ? undefined : /^[\d.]+$|^\[/.test(endpoint.hostname)),
  };
}
