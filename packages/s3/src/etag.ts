import { md5 as md5Of } from "@noble/hashes/legacy.js";
import { hex } from "./hex.js";
import type { UploadedPart } from "./upload-target.js";

/** An ETag without quotes and `W/`, for comparisons. */
export function bareTag(etag: string): string {
  return etag.replace(/^W\//, "").replace(/^"(.*)"$/, "$1");
}

/** Whether two ETags are equal, quoted or not. */
export function sameTag(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && bareTag(a) === bareTag(b);
}

/** MD5 of `bytes`. */
export function md5(bytes: Uint8Array): Uint8Array {
  return md5Of(bytes as Uint8Array<ArrayBuffer>);
}

/** The ETag of an object that one PUT of `bytes` makes. Servers use an MD5, except under KMS encryption. */
export function putEtag(bytes: Uint8Array): string {
  return `"${hex(md5(bytes))}"`;
}

/**
 * The ETag of an object that is made of these parts: the MD5 of their MD5s, and their count. Undefined if a part's ETag is not
 * an MD5, as under KMS encryption.
 */
export function multipartEtag(parts: readonly UploadedPart[]): string | undefined {
  const digests = new Uint8Array(parts.length * 16);
  for (const [index, { etag }] of parts.entries()) {
    const bare = bareTag(etag);
    if (!/^[0-9a-f]{32}$/i.test(bare)) return undefined;
    for (let i = 0; i < 16; i++) digests[index * 16 + i] = Number.parseInt(bare.slice(2 * i, 2 * i + 2), 16);
  }
  return `"${hex(md5(digests))}-${parts.length}"`;
}
