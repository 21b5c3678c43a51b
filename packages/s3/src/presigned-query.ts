import { SignatureV4 } from "@smithy/signature-v4";
import type { Addressed, Signable } from "./connection.js";
import { Sha256 } from "./sha256.js";
import type { Signing } from "./signing.js";

/** The query by which whoever holds the URL may make this request, for so many seconds. */
export async function presignedQuery(
  request: Addressed,
  options: Signing & {
    readonly expiresIn: number;
    /** Headers that stay headers: not every server looks for them in the query. */
    readonly kept: readonly string[];
  },
): Promise<Record<string, string>> {
  const { credentials, region, date, expiresIn, kept } = options;
  const signer = new SignatureV4({
    service: "s3",
    region,
    credentials: credentials as { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
    sha256: Sha256,
    // S3 signs the path as it was sent: encoded once, nothing normalised.
    uriEscapePath: false,
  });
  const headers = { ...request.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
  const { query } = await signer.presign({ ...request, headers, body: undefined } as Signable, {
    expiresIn,
    signingDate: date,
    unhoistableHeaders: new Set(kept),
  });
  return query as Record<string, string>;
}
