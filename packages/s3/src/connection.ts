import { isPeekpackError, PeekpackError, publicUrl } from "@peekpack/core";
import {
  type CredentialsProvider,
  cachedCredentials,
  environmentCredentials,
  type S3Credentials,
} from "./credentials.js";
import { environmentVariable } from "./environment.js";
import { secretsOf } from "./error-code.js";
import { type Fetch, fetchRequest } from "./fetch-request.js";
import { encodeKey, encodeText, fitsUrl } from "./location.js";
import { readRefusal } from "./refusal.js";
import { type AddressedRequest, requestSigner, type SigningContext } from "./signing.js";

/** The address of an S3 service and the identity that uses it. In Node, AWS environment variables are the defaults. */
export interface ConnectionOptions {
  /**
   * URL of an S3-compatible service; it may have a path. Default AWS_ENDPOINT_URL_S3, then AWS_ENDPOINT_URL, then AWS.
   */
  readonly endpoint?: string | URL | undefined;
  /** Signing region. Default AWS_REGION, then AWS_DEFAULT_REGION, then us-east-1. On AWS a wrong one is corrected. */
  readonly region?: string | undefined;
  /**
   * Credentials or a provider of them; null for anonymous access. Default AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
   * AWS_SESSION_TOKEN, or anonymous access if these are not set.
   */
  readonly credentials?: S3Credentials | CredentialsProvider | null | undefined;
  /** Whether the bucket is part of the path instead of the host. Default: true with an endpoint, false on AWS. */
  readonly forcePathStyle?: boolean | undefined;
  /** Sends requests. Default the global fetch, looked up at each request. */
  readonly fetch?: Fetch | undefined;
}

/** Resolved {@link ConnectionOptions}. Each is called when a request needs it. */
export interface ConnectionSettings {
  /** Undefined for AWS. */
  endpoint(): Promise<URL | undefined>;
  region(): Promise<string>;
  readonly credentials: CredentialsProvider;
  /** Whether the bucket is part of the path. Undefined: the endpoint and the bucket's name decide. */
  pathStyle?(endpoint: URL | undefined): boolean | undefined;
  readonly fetch?: Fetch | undefined;
}

/** One request to S3, before it is addressed and signed. */
export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE" | "OPTIONS";
  readonly bucket: string;
  readonly key?: string | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Passed to fetch. "no-store" bypasses the browser's cache. */
  readonly cache?: "no-store" | undefined;
}

/** Addresses, signs and sends requests. Keeps credentials, region and clock offset; holds no socket. */
export interface S3Connection {
  /**
   * Sends one request and returns the response, whatever its status. Signed requests follow no redirect. The body of an error is
   * cut off at 64 KiB, and contains no credentials. Corrects expired credentials, a wrong region and a
   * wrong clock, and repeats the request. Without a response it rejects with fetch's own error, which may quote a
   * signature: never pass it on.
   * @throws PeekpackError `bad-path` for a key that a URL cannot contain
   */
  send(request: S3Request): Promise<Response>;
  /**
   * A URL that allows this request, with its headers, for `expiresIn` seconds.
   * @throws PeekpackError `denied` without credentials
   */
  presign(request: S3Request, expiresIn: number): Promise<string>;
  /** The current signing region. */
  region(): Promise<string>;
  /** The current credentials; undefined for anonymous access. */
  credentials(): Promise<S3Credentials | undefined>;
  /** Calls the provider again before the next request, unless it has been called since `refused`. */
  renew(refused: S3Credentials): void;
}

/** A request is repeated at most this often to correct credentials, region and clock. */
const MAX_CORRECTIONS = 3;

/** Resolves what a caller passed and the environment. Reads nothing before it is called. */
export function connectionSettings(options: ConnectionOptions): ConnectionSettings {
  return {
    endpoint: async () => endpointOf(options),
    region: async () =>
      options.region ||
      environmentVariable("AWS_REGION") ||
      environmentVariable("AWS_DEFAULT_REGION") ||
      "us-east-1",
    credentials: providerOf(options.credentials),
    pathStyle: () => options.forcePathStyle,
    fetch: options.fetch,
  };
}

/** The endpoint from the options or the environment; undefined for AWS. @throws TypeError if it is not a URL */
export function endpointOf({ endpoint }: ConnectionOptions): URL | undefined {
  const given =
    endpoint ?? environmentVariable("AWS_ENDPOINT_URL_S3") ?? environmentVariable("AWS_ENDPOINT_URL");
  if (!given) return undefined;
  try {
    return new URL(given);
  } catch {
    throw new TypeError("The S3 endpoint is not a URL.");
  }
}

/** Names an object in messages and cache keys: 's3://bucket/key' on AWS, else the endpoint's URL with bucket and key. */
export function objectLabel(options: ConnectionOptions, bucket: string, key: string): string {
  const endpoint = endpointOf(options);
  const base = endpoint === undefined ? "s3:/" : publicUrl(endpoint).replace(/\/$/, "");
  return `${base}/${bucket}/${key}`;
}

function providerOf(given: ConnectionOptions["credentials"]): CredentialsProvider {
  if (given === null) return () => undefined;
  if (given === undefined) return environmentCredentials;
  return typeof given === "function" ? given : () => given;
}

/** Opens a connection. Calls nothing before the first request. */
export function openConnection(settings: ConnectionSettings): S3Connection {
  const credentials = cachedCredentials(async () => {
    try {
      return await settings.credentials();
    } catch (error) {
      // Made for users. Any other message may quote a secret.
      if (isPeekpackError(error)) throw error;
      const kind = error instanceof Error ? error.name : typeof error;
      // That of Deno says which permission is missing.
      const why = kind === "NotCapable" ? (error as Error).message : kind;
      throw new PeekpackError("denied", `The credentials provider failed (${why}).`, { section: "source" });
    }
  });
  const signer = requestSigner();
  let clockOffset = 0;
  let correctedRegion: string | undefined;
  const region = async (): Promise<string> => correctedRegion ?? settings.region();
  const context = (by: S3Credentials, usedRegion: string): SigningContext => ({
    credentials: by,
    region: usedRegion,
    date: new Date(Date.now() + clockOffset),
  });

  return {
    region,
    credentials: () => credentials.current(),
    renew: (refused) => credentials.renew(refused),
    async send(request) {
      const { method, body, signal, cache } = request;
      const endpoint = await settings.endpoint();
      for (let corrections = 0; ; corrections++) {
        const by = await credentials.current();
        const usedRegion = await region();
        signal?.throwIfAborted();
        const addressed = address(request, settings, endpoint, usedRegion);
        const signed = by
          ? await signer.headers(addressed, context(by, usedRegion), body)
          : addressed.headers;
        // fetch derives Host from the URL; a browser refuses it as a header.
        const { host: _, ...headers } = signed;
        const response = await fetchRequest(
          { url: urlOf(addressed), method, headers, body, signal, cache, followRedirects: !by },
          settings.fetch,
        );
        if (response.status < 300 || response.status === 304) return response;
        const refusal = await readRefusal(response, secretsOf(by));
        signal?.throwIfAborted();
        if (corrections === MAX_CORRECTIONS || ![301, 307, 400, 403].includes(response.status)) {
          return refusal.response;
        }
        if (!endpoint && refusal.region && refusal.region !== usedRegion) correctedRegion = refusal.region;
        else if (refusal.time !== undefined) clockOffset = refusal.time - Date.now();
        else if (by && refusal.expired) credentials.renew(by);
        else return refusal.response;
      }
    },
    async presign(request, expiresIn) {
      const by = await credentials.current();
      if (by === undefined) {
        throw new PeekpackError("denied", "There are no credentials to presign with.", { section: "source" });
      }
      const usedRegion = await region();
      const addressed = address(request, settings, await settings.endpoint(), usedRegion);
      const query = await signer.query(addressed, context(by, usedRegion), expiresIn);
      return urlOf({ ...addressed, query });
    },
  };
}

function address(
  { method, bucket, key, query = {}, headers = {} }: S3Request,
  settings: ConnectionSettings,
  endpoint: URL | undefined,
  region: string,
): AddressedRequest {
  if (key !== undefined && !fitsUrl(key)) {
    throw new PeekpackError(
      "bad-path",
      "A key with a segment '.' or '..' cannot be addressed: fetch resolves it to another key.",
      { section: "source" },
    );
  }
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const base = endpoint ?? new URL(`https://s3.${region}.${domain}`);
  // TLS certificates of AWS cover one label before the service's name, and host names have no capitals.
  const inPath =
    settings.pathStyle?.(endpoint) ?? (endpoint !== undefined || !/^[a-z0-9-]{3,63}$/.test(bucket));
  const hostname = inPath ? base.hostname : `${bucket}.${base.hostname}`;
  const prefix = base.pathname.replace(/\/$/, "") + (inPath ? `/${bucket}` : "");
  return {
    method,
    protocol: base.protocol,
    hostname,
    ...(base.port && { port: Number(base.port) }),
    path: key === undefined ? prefix || "/" : `${prefix}/${encodeKey(key)}`,
    query,
    headers: { ...headers, host: base.port ? `${hostname}:${base.port}` : hostname },
  };
}

/** The URL of a request, encoded as SigV4 requires. */
function urlOf({ protocol, hostname, port, path, query }: AddressedRequest): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encodeText(name)}=${encodeText(value)}`);
  const search = pairs.length > 0 ? `?${pairs.join("&")}` : "";
  return `${protocol}//${hostname}${port ? `:${port}` : ""}${path}${search}`;
}
