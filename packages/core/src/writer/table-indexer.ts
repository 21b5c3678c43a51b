import { PAGE_BYTES } from "../format/page-index.js";
import { PageIndexBuilder } from "../format/page-index-builder.js";
import type { ResolvedEncodeOptions } from "./options.js";

/** Tables of more bytes are indexed unless the option `pageIndex` says otherwise. */
const AUTO_BYTES = 1024 * 1024;

/** What makes the page index of a table that is about to be written. Undefined if it shall have none. */
export function tableIndexer(
  { protocol, pageIndex, maxDepth }: Pick<ResolvedEncodeOptions, "protocol" | "pageIndex" | "maxDepth">,
  tocStart: number,
  tocSize: number,
): PageIndexBuilder | undefined {
  const wanted = pageIndex === "auto" ? tocSize > AUTO_BYTES : pageIndex;
  return wanted && tocSize > PAGE_BYTES ? new PageIndexBuilder({ protocol, tocStart, maxDepth }) : undefined;
}
