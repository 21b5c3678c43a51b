import { encodeKey } from "./location.js";
import type { CopySource } from "./upload-target.js";

/** The value of `x-amz-copy-source`. It is part of a URL, and so percent-encoded. */
export function copySourceHeader({
  bucket,
  key,
  versionId,
}: Pick<CopySource, "bucket" | "key" | "versionId">): string {
  const path = `${bucket}/${encodeKey(key)}`;
  return versionId === undefined ? path : `${path}?versionId=${encodeURIComponent(versionId)}`;
}
