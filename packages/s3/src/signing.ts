import { Sha256Js } from "@smithy/core/checksum";
import { toHex } from "@smithy/core/serde";
import {
  createScope,
  getCanonicalHeaders,
  getCanonicalQuery,
  getSigningKey,
  type SignatureV4,
} from "@smithy/signature-v4";
import type { S3Credentials } from "./credentials.js";
import { sha256 } from "./sha256.js";

/** A request with its address, as it is signed and sent. */
export interface AddressedRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  /** Percent-encoded. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The identity, region and time of a signature. */
export interface SigningContext {
  readonly credentials: S3Credentials;
  readonly region: string;
  readonly date: Date;
}

/** What the library's functions expect. Its type demands methods that they do not use. */
type Signable = Parameters<SignatureV4["presign"]>[0];

const ALGORITHM = "AWS4-HMAC-SHA256";

/**
 * The headers of a request, with the signature in `authorization` (AWS Signature Version 4). Uses the library's functions but
 * not its class, which contains event streams and is half again as large.
 */
export async function signHeaders(
  request: AddressedRequest,
  context: SigningContext,
  body: Uint8Array | undefined,
): Promise<Record<string, string>> {
  const { accessKeyId, sessionToken } = context.credentials;
  const payload = toHex(await sha256(body ?? new Uint8Array(0)));
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-date": longDate(context.date),
    "x-amz-content-sha256": payload,
    ...(sessionToken && { "x-amz-security-token": sessionToken }),
  };
  const { signature, signedHeaders } = await sign({ ...request, headers }, context, payload);
  headers.authorization = `${ALGORITHM} Credential=${accessKeyId}/${scopeOf(context)}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return headers;
}

/**
 * The query of a URL that allows the request, with its headers and any body, for `expiresIn` seconds. The headers stay
 * headers: not every server accepts them in the query.
 */
export async function presignQuery(
  request: AddressedRequest,
  context: SigningContext,
  expiresIn: number,
): Promise<Record<string, string>> {
  const { accessKeyId, sessionToken } = context.credentials;
  const payload = "UNSIGNED-PAYLOAD";
  const query: Record<string, string> = {
    ...request.query,
    "X-Amz-Algorithm": ALGORITHM,
    "X-Amz-Content-Sha256": payload,
    "X-Amz-Credential": `${accessKeyId}/${scopeOf(context)}`,
    "X-Amz-Date": longDate(context.date),
    "X-Amz-Expires": String(expiresIn),
    "X-Amz-SignedHeaders": signedHeaderNames(request),
    ...(sessionToken && { "X-Amz-Security-Token": sessionToken }),
  };
  const { signature } = await sign({ ...request, query }, context, payload);
  return { ...query, "X-Amz-Signature": signature };
}

async function sign(
  request: AddressedRequest,
  context: SigningContext,
  payload: string,
): Promise<{ readonly signature: string; readonly signedHeaders: string }> {
  const { credentials, region, date } = context;
  const canonical = getCanonicalHeaders(request as Signable);
  const signedHeaders = signedHeaderNames(request);
  const lines = [
    request.method,
    // S3 signs the path as it is sent: encoded once, not normalized.
    request.path,
    getCanonicalQuery(request as Signable),
    ...signedHeaders.split(";").map((name) => `${name}:${canonical[name]}`),
    "",
    signedHeaders,
    payload,
  ];
  const hash = toHex(await sha256(new TextEncoder().encode(lines.join("\n"))));
  const toSign = [ALGORITHM, longDate(date), scopeOf(context), hash].join("\n");
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const identity = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
  const key = await getSigningKey(Sha256Js, identity, shortDate(date), region, "s3");
  const hmac = new Sha256Js(key);
  hmac.update(new TextEncoder().encode(toSign));
  return { signature: toHex(await hmac.digest()), signedHeaders };
}

function signedHeaderNames(request: AddressedRequest): string {
  return Object.keys(getCanonicalHeaders(request as Signable))
    .sort()
    .join(";");
}

function scopeOf({ region, date }: SigningContext): string {
  return createScope(shortDate(date), region, "s3");
}

function longDate(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d+/g, "");
}

function shortDate(date: Date): string {
  return longDate(date).slice(0, 8);
}
