import { Md5 } from "@smithy/core/checksum";
import type { UploadedPart } from "./upload-target.js";

/** An ETag without quotes and weakness, fit to be compared. */
export function bareTag(etag: string): string {
  return etag.replace(/^W\//, "").replace(/^"(.*)"$/, "$1");
}

/** Whether two ETags, quoted or not, name the same content. */
export function sameTag(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && bareTag(a) === bareTag(b);
}

/** MD5 of `bytes`. */
export async function md5(bytes: Uint8Array): Promise<Uint8Array> {
  const sum = new Md5();
  sum.update(bytes);
  return sum.digest();
}

/** The ETag that a PUT of `bytes` gives, where ETags are MD5s: everywhere but under KMS encryption. */
export async function putEtag(bytes: Uint8Array): Promise<string> {
  return `"${hex(await md5(bytes))}"`;
}

/**
 * The ETag that these parts give together: the MD5 of their MD5s, and their count. Undefined where a part's ETag is no
 * MD5, as under KMS encryption.
 */
export async function multipartEtag(parts: readonly UploadedPart[]): Promise<string | undefined> {
  const digests = new Uint8Array(parts.length * 16);
  for (const [index, { etag }] of parts.entries()) {
    const bare = bareTag(etag);
    if (!/^[0-9a-f]{32}$/i.test(bare)) return undefined;
    for (let at = 0; at < 16; at++)
      digests[index * 16 + at] = Number.parseInt(bare.slice(2 * at, 2 * at + 2), 16);
  }
  return `"${hex(await md5(digests))}-${parts.length}"`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
