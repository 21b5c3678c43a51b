import { toHex } from "@smithy/core/serde";
import {
  createScope,
  getCanonicalHeaders,
  getCanonicalQuery,
  getPayloadHash,
  getSigningKey,
} from "@smithy/signature-v4";
import type { Addressed, Signable } from "./connection.js";
import type { S3Credentials } from "./credentials.js";
import type { Sha256 } from "./sha256.js";

/** By whom, for where and when a request is signed. */
export interface Signing {
  readonly credentials: S3Credentials;
  readonly region: string;
  readonly date: Date;
}

/**
 * The headers of a request with its signature among them (AWS Signature Version 4, "Authorization header"). Put together of
 * the library's parts: its class brings presigning and event streams along, a third more than all that S3 needs.
 */
export async function signedHeaders(
  request: Addressed,
  { credentials, region, date }: Signing,
  hash: typeof Sha256,
): Promise<Record<string, string>> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const longDate = date.toISOString().replace(/[-:]|\.\d+/g, "");
  const shortDate = longDate.slice(0, 8);
  const scope = createScope(shortDate, region, "s3");
  const payload = await getPayloadHash(request as Signable, hash);
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-date": longDate,
    "x-amz-content-sha256": payload,
    ...(sessionToken && { "x-amz-security-token": sessionToken }),
  };
  const canonical = getCanonicalHeaders({ headers } as Signable);
  const names = Object.keys(canonical).sort();
  const signed = names.join(";");
  // S3 signs the path as it was sent: encoded once, nothing normalised.
  const asked = [request.method, request.path, getCanonicalQuery(request as Signable)];
  const lines = [...asked, ...names.map((name) => `${name}:${canonical[name]}`), "", signed, payload];
  const key = await getSigningKey(
    hash,
    { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
    shortDate,
    region,
    "s3",
  );
  const toSign = ["AWS4-HMAC-SHA256", longDate, scope, await digest(hash, lines.join("\n"))].join("\n");
  const signature = await digest(hash, toSign, key);
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  return headers;
}

async function digest(hash: typeof Sha256, text: string, key?: Uint8Array): Promise<string> {
  const sum = new hash(key);
  sum.update(new TextEncoder().encode(text));
  return toHex(await sum.digest());
}
