import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { invalidRequest, S3Error } from "./s3-error.js";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The parts of a request that Signature Version 4 signs. */
export interface SignedRequest {
  readonly method: string;
  /** Path as sent, still percent-encoded. */
  readonly rawPath: string;
  /** Query as sent, decoded, in order. */
  readonly query: readonly (readonly [string, string])[];
  readonly headers: IncomingHttpHeaders;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const SKEW_MS = 15 * 60 * 1000;
const MAX_PRESIGN_SECONDS = 7 * 24 * 3600;

const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
const denied = (code: string, message: string, extra: Record<string, string> = {}): S3Error =>
  new S3Error(403, code, message, extra);
const malformed = (message: string, extra: Record<string, string> = {}): S3Error =>
  new S3Error(400, "AuthorizationHeaderMalformed", message, extra);

/** Percent-encodes all but RFC 3986's unreserved characters. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function canonicalPath(rawPath: string): string {
  return rawPath
    .split("/")
    .map((segment) => encode(decodeURIComponent(segment)))
    .join("/");
}

function canonicalQuery(query: SignedRequest["query"]): string {
  return query
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function canonicalHeaders(headers: IncomingHttpHeaders, names: readonly string[]): string {
  return names
    .map((name) => {
      const value = headers[name];
      return `${name}:${(Array.isArray(value) ? value.join(",") : (value ?? "")).trim().replace(/\s+/g, " ")}\n`;
    })
    .join("");
}

function parseDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null)
    throw denied("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Signature and scope, from the Authorization header or the query. */
interface Claim {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly payloadHash: string;
  /** Validity of a presigned request, in seconds. */
  readonly expires: number | undefined;
}

function headerClaim(authorization: string, headers: IncomingHttpHeaders): Claim {
  const [scheme, ...rest] = authorization.split(/[ ,]+/);
  if (scheme !== ALGORITHM)
    throw invalidRequest(`The authorization mechanism is not supported: use ${ALGORITHM}`);
  const fields = new Map(rest.map((field) => field.split("=", 2) as [string, string]));
  const payloadHash = headers["x-amz-content-sha256"];
  if (typeof payloadHash !== "string")
    throw invalidRequest("Missing required header for this request: x-amz-content-sha256");
  return {
    credential: fields.get("Credential") ?? "",
    signedHeaders: (fields.get("SignedHeaders") ?? "").split(";"),
    signature: fields.get("Signature") ?? "",
    date: String(headers["x-amz-date"] ?? ""),
    payloadHash,
    expires: undefined,
  };
}

function queryClaim(query: ReadonlyMap<string, string>, headers: IncomingHttpHeaders): Claim {
  const expires = Number(query.get("X-Amz-Expires") ?? "NaN");
  if (!(expires >= 1 && expires <= MAX_PRESIGN_SECONDS))
    throw new S3Error(
      400,
      "AuthorizationQueryParametersError",
      "X-Amz-Expires must be between 1 and 604800 seconds",
    );
  const headerHash = headers["x-amz-content-sha256"];
  return {
    credential: query.get("X-Amz-Credential") ?? "",
    signedHeaders: (query.get("X-Amz-SignedHeaders") ?? "").split(";"),
    signature: query.get("X-Amz-Signature") ?? "",
    date: query.get("X-Amz-Date") ?? "",
    payloadHash:
      query.get("X-Amz-Content-Sha256") ?? (typeof headerHash === "string" ? headerHash : "UNSIGNED-PAYLOAD"),
    expires,
  };
}

function checkTime(claim: Claim, now: number): void {
  const signedAt = parseDate(claim.date);
  if (claim.expires === undefined) {
    if (Math.abs(now - signedAt) > SKEW_MS)
      throw denied(
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        { ServerTime: new Date(now).toISOString() },
      );
    return;
  }
  if (signedAt - now > SKEW_MS) throw denied("AccessDenied", "Request is not valid yet");
  const ends = signedAt + claim.expires * 1000;
  if (now > ends)
    throw denied("AccessDenied", "Request has expired", {
      "X-Amz-Expires": String(claim.expires),
      Expires: new Date(ends).toISOString(),
      ServerTime: new Date(now).toISOString(),
    });
}

function checkSignedHeaders(claim: Claim, headers: IncomingHttpHeaders): void {
  const signed = new Set(claim.signedHeaders);
  const unsigned = Object.keys(headers).filter(
    (name) => name.startsWith("x-amz-") && name !== "x-amz-content-sha256" && !signed.has(name),
  );
  if (!signed.has("host") || unsigned.length > 0)
    throw denied("AccessDenied", "There were headers present in the request which were not signed", {
      HeadersNotSigned: unsigned.join(", ") || "host",
    });
}

/**
 * Verifies Signature Version 4, in the Authorization header or in the query.
 * @returns the payload hash that the request states: SHA-256 in hex, or a keyword such as UNSIGNED-PAYLOAD
 * @throws S3Error AccessDenied, SignatureDoesNotMatch, InvalidAccessKeyId, RequestTimeTooSkewed, …
 */
export function verifySignature(
  request: SignedRequest,
  credentials: Credentials,
  region: string,
  now: number = Date.now(),
): string {
  const authorization = request.headers.authorization;
  const query = new Map(request.query);
  if (authorization === undefined && !query.has("X-Amz-Signature"))
    throw denied("AccessDenied", "Access Denied: the request is not signed");
  const claim =
    authorization === undefined
      ? queryClaim(query, request.headers)
      : headerClaim(authorization, request.headers);

  const [accessKeyId, date, scopeRegion, service, terminator] = claim.credential.split("/");
  if (terminator !== "aws4_request" || service !== "s3" || date !== claim.date.slice(0, 8))
    throw malformed("The credential scope is not of the form key/date/region/s3/aws4_request");
  if (scopeRegion !== region)
    throw malformed(`The region '${scopeRegion}' is wrong; expecting '${region}'`, { Region: region });
  if (accessKeyId !== credentials.accessKeyId)
    throw denied("InvalidAccessKeyId", "The access key id you provided does not exist in our records.");
  checkTime(claim, now);
  checkSignedHeaders(claim, request.headers);

  const canonical = [
    request.method,
    canonicalPath(request.rawPath),
    canonicalQuery(request.query),
    canonicalHeaders(request.headers, claim.signedHeaders),
    claim.signedHeaders.join(";"),
    claim.payloadHash,
  ].join("\n");
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = [ALGORITHM, claim.date, scope, createHash("sha256").update(canonical).digest("hex")].join(
    "\n",
  );
  const key = [date, region, "s3", "aws4_request"].reduce<Buffer>(
    (derived, part) => hmac(derived, String(part)),
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  const expected = hmac(key, toSign).toString("hex");
  const same =
    expected.length === claim.signature.length &&
    timingSafeEqual(Buffer.from(expected), Buffer.from(claim.signature));
  if (!same)
    throw denied(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    );
  return claim.payloadHash;
}
