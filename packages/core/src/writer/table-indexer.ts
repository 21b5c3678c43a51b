import { PAGE_BYTES } from "../format/page-index.js";
import { PageIndexBuilder } from "../format/page-index-builder.js";
import type { ResolvedEncodeOptions } from "./options.js";

/** Tables of more bytes are indexed unless the option `pageIndex` says otherwise. */
const AUTO_BYTES = 1024 * 1024;

/** The options that an index depends on. */
export type IndexOptions = Pick<ResolvedEncodeOptions, "protocol" | "pageIndex" | "maxDepth">;

/** What makes the page index of a table that is about to be written. Undefined if the options want none. */
export function tableIndexer(
  { protocol, pageIndex, maxDepth }: IndexOptions,
  tocStart: number,
  tocSize: number,
): PageIndexBuilder | undefined {
  const wanted = pageIndex === "auto" ? tocSize > AUTO_BYTES : pageIndex;
  return wanted && tocSize > PAGE_BYTES ? new PageIndexBuilder({ protocol, tocStart, maxDepth }) : undefined;
}

/** The page index of a table in memory; nothing if the options want none, or if it can have none. */
export function indexChunks(
  options: IndexOptions,
  tocStart: number,
  table: Uint8Array,
): Iterable<Uint8Array> {
  const builder = tableIndexer(options, tocStart, table.length);
  builder?.write(table);
  return builder?.finish()?.chunks() ?? [];
}
