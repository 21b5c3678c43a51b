import { concat } from "../bytes.js";
import { isPeekpackError } from "../errors.js";
import { decodeFooter, decodeRootBlock } from "../format/page-index.js";
import { FOOTER_SIZE } from "../format/page-index-footer.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import type { ArchiveExtent, PageIndexFound } from "./archive-extent.js";
import type { IndexLocation } from "./index-blocks.js";
import type { PageIndexInfo } from "./page-index-info.js";
import { PagedTable } from "./paged-table.js";

/**
 * Opens the page index that fills a range of a source.
 * @param read gives bytes of the source, by offset
 * @param sidecar whether it is an object of its own beside the archive
 */
export async function openPageIndex(
  source: RangeSource,
  { header }: Pick<ArchiveExtent, "header">,
  { start, end }: { readonly start: number; readonly end: number },
  read: (start: number, end: number) => Promise<Uint8Array>,
  sidecar: boolean,
): Promise<PageIndexFound> {
  const without = (state: PageIndexInfo["state"], bytes: number, reason?: string): PageIndexFound => ({
    info: { state, bytes, sidecar, reason },
  });
  const footerBytes = end - start < FOOTER_SIZE ? new Uint8Array(0) : await read(end - FOOTER_SIZE, end);
  const footer = decodeFooter(footerBytes);
  if (footer === undefined) {
    return sidecar ? without("damaged", end, "The sidecar has no valid footer.") : without("none", 0);
  }
  const { tocStart, tocSize, indexSize, rootStart, rootSize } = footer;
  if (tocStart !== header.tocStart || tocSize !== header.tocSize || indexSize !== end - start) {
    return without("stale", indexSize, "It belongs to another table, or does not follow this one.");
  }
  const rootBytes = await read(start + rootStart, start + rootStart + rootSize);
  const bytes = concat([rootBytes, footerBytes]);
  try {
    const root = decodeRootBlock(rootBytes, footer);
    const info: PageIndexInfo = { state: "used", bytes: indexSize, sidecar };
    const location: IndexLocation = { source, start, bytes, footer, root, info };
    return { index: { bytes, table: (pages) => new PagedTable(pages, location) }, info };
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    return without("damaged", indexSize, error.message);
  }
}

/** The page index of a sidecar. What its end does not hold is read. */
export async function openSidecar(
  source: RangeSource,
  extent: ArchiveExtent,
  options: ReadOptions,
): Promise<PageIndexFound> {
  const { size, tail } = await source.probe({ head: 0, tail: 32 * 1024 }, options);
  const tailStart = size - tail.length;
  const read = async (start: number, end: number): Promise<Uint8Array> =>
    start >= tailStart
      ? tail.subarray(start - tailStart, end - tailStart)
      : (await source.read([{ start, end }], options))[0]!;
  return openPageIndex(source, extent, { start: 0, end: size }, read, true);
}
