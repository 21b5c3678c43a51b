import type { S3Credentials } from "./credentials.js";
import { hex } from "./hex.js";
import { encodeText } from "./location.js";
import { type Hmac, hmacSha256, sha256 } from "./sha256.js";

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

/** Signs requests with AWS Signature Version 4. Caches the signing key, which changes once a day. */
export interface RequestSigner {
  /** The headers of a request, with the signature in `authorization`. */
  headers(
    request: AddressedRequest,
    context: SigningContext,
    body: Uint8Array | undefined,
  ): Promise<Record<string, string>>;
  /**
   * The query of a URL that allows the request, with its headers and any body, for `expiresIn` seconds. The headers stay headers:
   * not every server accepts them in the query.
   */
  query(
    request: AddressedRequest,
    context: SigningContext,
    expiresIn: number,
  ): Promise<Record<string, string>>;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Makes a signer. */
export function requestSigner(): RequestSigner {
  let cached: { readonly id: string; readonly key: Promise<Hmac> } | undefined;

  const signingKey = (context: SigningContext): Promise<Hmac> => {
    const id = `${context.credentials.secretAccessKey} ${scopeOf(context)}`;
    if (cached?.id === id) return cached.key;
    const key = deriveKey(context);
    cached = { id, key };
    key.catch(() => {
      if (cached?.key === key) cached = undefined;
    });
    return key;
  };

  /** The signature (AWS General Reference, "Create a signed AWS API request"). S3 signs the path as it is sent. */
  const signatureOf = async (
    { method, path, query, headers }: AddressedRequest,
    context: SigningContext,
    payload: string,
  ): Promise<string> => {
    const lines = namesOf(headers).map((name) => `${name}:${headers[name]!.trim().replace(/\s+/g, " ")}`);
    const names = namesOf(headers).join(";");
    const canonical = [method, path, canonicalQuery(query), ...lines, "", names, payload].join("\n");
    const hash = hex(await sha256(new TextEncoder().encode(canonical)));
    const toSign = [ALGORITHM, longDate(context.date), scopeOf(context), hash].join("\n");
    const hmac = await signingKey(context);
    return hex(await hmac(toSign));
  };

  return {
    async headers(request, context, body) {
      const { accessKeyId, sessionToken } = context.credentials;
      const payload = body === undefined ? EMPTY_SHA256 : hex(await sha256(body));
      const headers: Record<string, string> = {
        ...request.headers,
        "x-amz-date": longDate(context.date),
        "x-amz-content-sha256": payload,
        ...(sessionToken && { "x-amz-security-token": sessionToken }),
      };
      const names = namesOf(headers).join(";");
      const signature = await signatureOf({ ...request, headers }, context, payload);
      headers.authorization = `${ALGORITHM} Credential=${accessKeyId}/${scopeOf(context)}, SignedHeaders=${names}, Signature=${signature}`;
      return headers;
    },
    async query(request, context, expiresIn) {
      const { accessKeyId, sessionToken } = context.credentials;
      const payload = "UNSIGNED-PAYLOAD";
      const query: Record<string, string> = {
        ...request.query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Content-Sha256": payload,
        "X-Amz-Credential": `${accessKeyId}/${scopeOf(context)}`,
        "X-Amz-Date": longDate(context.date),
        "X-Amz-Expires": String(expiresIn),
        "X-Amz-SignedHeaders": namesOf(request.headers).join(";"),
        ...(sessionToken && { "X-Amz-Security-Token": sessionToken }),
      };
      return { ...query, "X-Amz-Signature": await signatureOf({ ...request, query }, context, payload) };
    },
  };
}

async function deriveKey(context: SigningContext): Promise<Hmac> {
  let hmac = await hmacSha256(new TextEncoder().encode(`AWS4${context.credentials.secretAccessKey}`));
  for (const text of scopeOf(context).split("/")) hmac = await hmacSha256(await hmac(text));
  return hmac;
}

function namesOf(headers: Readonly<Record<string, string>>): string[] {
  return Object.keys(headers).sort();
}

function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => ({ name: encodeText(name), value: encodeText(value) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, value }) => `${name}=${value}`)
    .join("&");
}

function scopeOf({ region, date }: SigningContext): string {
  return `${longDate(date).slice(0, 8)}/${region}/s3/aws4_request`;
}

function longDate(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d+/g, "");
}
