import type { PutMode } from "./upload-target.js";

/** Gives the mode back; refuses what is none, so that a typing mistake never overwrites. @throws TypeError */
export function checkPutMode(put: PutMode = "overwrite"): PutMode {
  const tag = (put as { readonly ifMatch?: unknown } | null)?.ifMatch;
  if (put === "overwrite" || put === "create" || (typeof tag === "string" && tag !== "")) return put;
  throw new TypeError("put is 'overwrite', 'create' or { ifMatch: etag }.");
}
