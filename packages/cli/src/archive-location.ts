import { publicUrl } from "@peekpack/core";
import { UsageError } from "./arguments.js";

/** Where an archive is, or is written to, as an argument says it. */
export type ArchiveLocation =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "s3"; readonly path: string }
  /** Standard input or output. */
  | { readonly kind: "stream" };

/** Parses the argument for an archive. @throws UsageError */
export function archiveLocation(text: string): ArchiveLocation {
  if (text === "") throw new UsageError("the name of an archive is empty");
  if (text === "-") return { kind: "stream" };
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return { kind: "file", path: text };
  if (/^https?:/i.test(text)) return { kind: "url", url: text };
  if (/^s3:/i.test(text)) return { kind: "s3", path: `s3://${text.slice(5)}` };
  throw new UsageError(`${publicUrl(text)} is neither a file nor an http(s) or s3 URL`);
}
