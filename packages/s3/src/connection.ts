import { PeekpackError, publicUrl } from "@peekpack/core";
import { FetchHttpHandler } from "@smithy/fetch-http-handler";
import type { SignatureV4 } from "@smithy/signature-v4";
import {
  type CredentialsProvider,
  cachedCredentials,
  environment,
  environmentCredentials,
  type S3Credentials,
} from "./credentials.js";
import { seldom } from "./load-seldom.js";
import { encodeKey, encodeText, fitsUrl } from "./location.js";
import { Sha256, sha256With } from "./sha256.js";
import { signedHeaders } from "./signing.js";

/** Where S3 is and who asks. Everything is optional: the usual AWS environment variables fill in, in Node. */
export interface ConnectionOptions {
  /**
   * URL of an S3-compatible service, with or without a path below which it answers. Without it AWS is meant, unless
   * AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is set.
   */
  readonly endpoint?: string | URL | undefined;
  /** Signing region. Default AWS_REGION, AWS_DEFAULT_REGION, then us-east-1; AWS's own answer corrects a wrong one. */
  readonly region?: string | undefined;
  /**
   * Credentials or a provider of them; null for anonymous access. Default AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
   * AWS_SESSION_TOKEN, and anonymous access where these are not set.
   */
  readonly credentials?: S3Credentials | CredentialsProvider | null | undefined;
  /** Whether the bucket stands in the path rather than in the host. Default: with an endpoint yes, on AWS no. */
  readonly forcePathStyle?: boolean | undefined;
  /** What sends requests. Default the global fetch, looked up at each request. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
}

/** Where S3 is and who asks, each asked for when a request needs it. */
export interface ConnectionSettings {
  /** Undefined for AWS. */
  endpoint(): Promise<URL | undefined>;
  region(): Promise<string>;
  readonly credentials: CredentialsProvider;
  /** Whether the bucket stands in the path; undefined leaves it to the endpoint and the bucket's name. */
  pathStyle?(endpoint: URL | undefined): boolean | undefined;
  readonly fetch?: ConnectionOptions["fetch"];
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
  /** Passed to fetch: "no-store" where the browser's own cache is not to be trusted. */
  readonly cache?: RequestCache | undefined;
}

/** Addresses, signs and sends requests. Keeps credentials, region and clock offset; holds no socket of its own. */
export interface S3Connection {
  /**
   * Sends one request and returns the answer, whatever its status. Expired credentials, a wrong region and a wrong clock
   * are mended and the request is repeated. Without an answer it rejects with fetch's own error, which may quote a
   * signature: never pass it on.
   * @throws PeekpackError `bad-path` for a key that no URL can carry
   */
  send(request: S3Request): Promise<Response>;
  /** A URL that allows this request, its headers included, to whoever holds it, for so many seconds. */
  presign(request: S3Request, expiresIn: number): Promise<string>;
  /** The region that requests are signed for at present. */
  region(): Promise<string>;
  /** The credentials that requests are signed with at present; undefined for anonymous access. */
  credentials(): Promise<S3Credentials | undefined>;
  /** Has the provider asked again, because the server has refused these credentials as expired. */
  renew(refused: S3Credentials): void;
}

/** A request that has its address: what is signed, and what is sent. */
export interface Addressed {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** Resolves what a caller gave and what the environment says; nothing is read before it is asked for. */
export function connectionSettings(options: ConnectionOptions): ConnectionSettings {
  return {
    endpoint: async () => endpointOf(options),
    region: async () => {
      const env = environment();
      return options.region || env.AWS_REGION || env.AWS_DEFAULT_REGION || "us-east-1";
    },
    credentials: providerOf(options.credentials),
    pathStyle: () => options.forcePathStyle,
    fetch: options.fetch,
  };
}

/** The endpoint that was given or stands in the environment; undefined for AWS. @throws TypeError when it is no URL */
export function endpointOf({ endpoint }: ConnectionOptions): URL | undefined {
  const env = environment();
  const given = endpoint ?? (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL);
  if (!given) return undefined;
  try {
    return new URL(given);
  } catch {
    throw new TypeError("The S3 endpoint is not a URL.");
  }
}

/** What names an object in messages and cache keys: 's3://bucket/key' on AWS, else its place at the endpoint. */
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

/** Opens a connection. Nothing is asked for before the first request. */
export function openConnection(settings: ConnectionSettings): S3Connection {
  const credentials = cachedCredentials(async () => {
    try {
      return await settings.credentials();
    } catch (error) {
      const kind = error instanceof Error ? error.name : typeof error;
      throw new PeekpackError("denied", `The credentials provider failed (${kind}).`, { section: "source" });
    }
  });
  let hashing: Promise<typeof Sha256> | undefined;
  /** Each request takes a dozen hashes of a line or two: in Node half a millisecond, were they the platform's. */
  const hash = (): Promise<typeof Sha256> => {
    hashing ??=
      globalThis.location === undefined
        ? import("@smithy/core/checksum").then(
            ({ Sha256Js }) => sha256With(Sha256Js),
            () => Sha256,
          )
        : Promise.resolve(Sha256);
    return hashing;
  };
  let clockOffset = 0;
  let corrected: string | undefined;
  const region = async (): Promise<string> => corrected ?? settings.region();
  const signingDate = (): Date => new Date(Date.now() + clockOffset);

  const address = (request: S3Request, endpoint: URL | undefined, used: string): Addressed => {
    const { bucket, key } = request;
    if (key !== undefined && !fitsUrl(key)) {
      throw new PeekpackError(
        "bad-path",
        "fetch resolves '.' and '..' segments: this key cannot be addressed.",
        {
          section: "source",
        },
      );
    }
    const domain = used.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    const base = endpoint ?? new URL(`https://s3.${used}.${domain}`);
    // TLS certificates of AWS cover one label before the service's name, and host names have no capitals.
    const inPath =
      settings.pathStyle?.(endpoint) ?? (endpoint !== undefined || !/^[a-z0-9-]{3,63}$/.test(bucket));
    const hostname = inPath ? base.hostname : `${bucket}.${base.hostname}`;
    const prefix = base.pathname.replace(/\/$/, "") + (inPath ? `/${bucket}` : "");
    return {
      method: request.method,
      protocol: base.protocol,
      hostname,
      ...(base.port && { port: Number(base.port) }),
      path: key === undefined ? prefix || "/" : `${prefix}/${encodeKey(key)}`,
      query: { ...request.query },
      headers: { ...request.headers, host: base.port ? `${hostname}:${base.port}` : hostname },
      body: request.body,
    };
  };

  return {
    region,
    credentials: () => credentials.current(),
    renew: (refused) => credentials.renew(refused),
    async send(request) {
      const { signal, cache, method } = request;
      const endpoint = await settings.endpoint();
      const handler = new FetchHttpHandler({
        credentials: "omit",
        ...(cache && { cache }),
        ...(settings.fetch && { customFetch: settings.fetch as unknown as typeof fetch }),
      });
      for (let mended = 0; ; mended++) {
        const by = await credentials.current();
        const used = await region();
        signal?.throwIfAborted();
        const addressed = address(request, endpoint, used);
        const { host: _, ...headers } = by
          ? await signedHeaders(
              addressed,
              { credentials: by, region: used, date: signingDate() },
              await hash(),
            )
          : addressed.headers;
        // fetch sets Host from the URL; a browser refuses to be told.
        const { response: answer } = await handler
          .handle({ ...addressed, headers } as Sendable, { ...(signal && { abortSignal: signal }) })
          .catch((error: unknown) => {
            signal?.throwIfAborted();
            throw error;
          });
        const { statusCode: status } = answer;
        const bodiless = method === "HEAD" || [204, 205, 304].includes(status);
        const response = new Response(bodiless ? null : (answer.body as BodyInit), {
          status,
          headers: answer.headers,
        });
        if (mended === 3 || ![301, 400, 403].includes(status)) return response;
        // Where what reads refusals cannot be had, there is only the refusal itself.
        const loaded = await seldom().catch(() => undefined);
        if (!loaded) return response;
        const refusal = await loaded.readRefusal(response);
        const { region: right, time, expired } = refusal;
        if (!endpoint && right && right !== used) corrected = right;
        else if (time !== undefined) clockOffset = time - Date.now();
        else if (by && expired) credentials.renew(by);
        else return refusal.response;
      }
    },
    async presign(request, expiresIn) {
      const by = await credentials.current();
      if (by === undefined) {
        throw new PeekpackError("denied", "There are no credentials to presign with.", { section: "source" });
      }
      const used = await region();
      const addressed = address(request, await settings.endpoint(), used);
      const { presignedQuery } = await seldom();
      const query = await presignedQuery(addressed, {
        credentials: by,
        region: used,
        date: signingDate(),
        expiresIn,
        kept: Object.keys(request.headers ?? {}),
      });
      return urlOf({ ...addressed, query });
    },
  };
}

/** What the libraries take that sign and send. They ask for methods that they do not need. */
export type Signable = Parameters<SignatureV4["presign"]>[0];
type Sendable = Parameters<FetchHttpHandler["handle"]>[0];

/** The URL of a request, encoded as SigV4 asks. */
function urlOf({ protocol, hostname, port, path, query }: Addressed): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encodeText(name)}=${encodeText(value)}`);
  const search = pairs.length > 0 ? `?${pairs.join("&")}` : "";
  return `${protocol}//${hostname}${port ? `:${port}` : ""}${path}${search}`;
}
