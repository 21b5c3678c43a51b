import { objectSource, type RangeSource, type RequestLimiter, type TransportResponse } from "@peekpack/core";
import { type ConnectionSettings, endpointOf, openConnection, type S3Connection } from "./connection.js";
import type { S3Credentials } from "./credentials.js";
import { checkLocation, type ObjectLocation } from "./location.js";

/** Which state of an object is read. */
export interface S3SourceOptions {
  /**
   * The version to read: an S3 version id, or an ETag with its quotes, as an archive's `info.version` gives it. Any other
   * state is answered with `changed`. Default: the state that is met first.
   */
  readonly version?: string | undefined;
  /** Size of the object in bytes, where it is known; spares finding out. */
  readonly size?: number | undefined;
  /** ETag that the object must have. */
  readonly ifMatch?: string | undefined;
  /** A request is given up when no byte arrives for so long, in milliseconds. Default 20,000. */
  readonly stallMs?: number | undefined;
  /** Largest object that is kept whole where the server ignores ranges, in bytes. Default 4 MiB. */
  readonly wholeBytes?: number | undefined;
}

/** Reads one object over a connection: signed GET requests with a range, never a HEAD. */
export function readObject(
  connection: S3Connection,
  { bucket, key }: ObjectLocation,
  label: string,
  { version, size, ifMatch, stallMs, wholeBytes }: S3SourceOptions,
  limiter?: RequestLimiter,
): RangeSource {
  // Version ids never have quotes, ETags always do.
  const versionId = version === undefined || /^(W\/)?"/.test(version) ? undefined : version;
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
      version: ifMatch ?? (versionId === undefined ? version : undefined),
      browser: globalThis.location !== undefined,
    },
  );
}

/** What {@link s3Source} takes from an S3Client of the AWS SDK, of whatever version. Resolved configurations have it. */
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
 * Reads an object that a client of the AWS SDK can read, with that client's credentials, region and endpoint. Requests
 * go over fetch, not through the client, so that the SDK need not be loaded for it.
 * @throws TypeError when the bucket or the key is missing
 */
export function s3Source(
  client: S3ClientConfiguration,
  { Bucket, Key, VersionId }: { readonly Bucket: string; readonly Key: string; readonly VersionId?: string },
  options: S3SourceOptions = {},
): RangeSource {
  const location = checkLocation({ bucket: Bucket, key: Key });
  return readObject(openConnection(clientSettings(client)), location, `s3://${Bucket}/${Key}`, {
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
    // The SDK leaves the bucket in the host unless told otherwise or the endpoint is an IP address.
    pathStyle: (endpoint) =>
      forcePathStyle === true ||
      (endpoint === undefined ? undefined : /^[\d.]+$|^\[/.test(endpoint.hostname)),
  };
}
