import type { PutMode } from "./upload-target.js";

/** Returns the put mode. Rejects anything else, so that a typing mistake never overwrites. @throws TypeError */
export function checkPutMode(put: PutMode = "overwrite"): PutMode {
  const etag = (put as { readonly ifMatch?: unknown } | null)?.ifMatch;
  if (put === "overwrite" || put === "create" || (typeof etag === "string" && etag !== "")) return put;
  throw new TypeError("put is 'overwrite', 'create' or { ifMatch: etag }.");
}
