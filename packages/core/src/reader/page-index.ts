import { crc32 } from "../crc32.js";
import { isPeekpackError, PeekpackError } from "../errors.js";
import { HEADER_SIZE, type Header } from "../format/header.js";
import { decodeFooter, decodeRootBlock } from "../format/page-index.js";
import { FOOTER_SIZE } from "../format/page-index-footer.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import type { ArchiveExtent, PageIndex, PageIndexFound, PageIndexInfo } from "./archive-extent.js";
import type { IndexLocation } from "./index-blocks.js";
import { PagedTable } from "./paged-table.js";

/**
 * Opens the page index that fills a range of a source up to its end.
 * @param read gives bytes of the source, by offset
 * @param sidecar whether it is an object of its own beside the archive
 */
export async function openPageIndex(
  source: RangeSource,
  { header }: ArchiveExtent,
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
  if (footer.tocStart !== header.tocStart || footer.tocSize !== header.tocSize) {
    return without("stale", footer.indexSize, "It belongs to another table.");
  }
  if (footer.indexSize !== end - start) {
    return without("stale", footer.indexSize, "It does not start where the table ends.");
  }
  const rootBytes = await read(start + footer.rootStart, start + footer.rootStart + footer.rootSize);
  if (crc32(rootBytes) !== footer.rootCrc) {
    return without("damaged", footer.indexSize, "The checksum of its root block does not match.");
  }
  const bytes = new Uint8Array(rootBytes.length + FOOTER_SIZE);
  bytes.set(rootBytes);
  bytes.set(footerBytes, rootBytes.length);
  try {
    const root = decodeRootBlock(rootBytes, footer);
    return {
      index: pageIndexAt({ source, start, bytes, footer, root }),
      info: { state: "used", bytes: footer.indexSize, sidecar },
    };
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    return without("damaged", footer.indexSize, error.message);
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

/**
 * The page index of an archive that is opened by a kept index.
 * @param bytes root block and footer
 * @throws PeekpackError `corrupt`
 */
export function keptPageIndex(
  source: RangeSource,
  header: Header,
  archiveStart: number,
  bytes: Uint8Array,
  sidecar: boolean,
): { readonly index: PageIndex; readonly info: PageIndexInfo } {
  const rootSize = Math.max(0, bytes.length - FOOTER_SIZE);
  const rootBytes = bytes.subarray(0, rootSize);
  const footer = decodeFooter(bytes.subarray(rootSize));
  if (
    footer === undefined ||
    footer.tocStart !== header.tocStart ||
    footer.tocSize !== header.tocSize ||
    footer.rootSize !== rootSize ||
    footer.rootCrc !== crc32(rootBytes)
  ) {
    throw new PeekpackError("corrupt", "The kept page index is damaged.", { section: "toc" });
  }
  const start = sidecar ? 0 : archiveStart + HEADER_SIZE + header.tocStart + header.tocSize;
  const root = decodeRootBlock(rootBytes, footer);
  return {
    index: pageIndexAt({ source, start, bytes, footer, root }),
    info: { state: "used", bytes: footer.indexSize, sidecar },
  };
}

function pageIndexAt(location: IndexLocation): PageIndex {
  return { bytes: location.bytes, table: (pages) => new PagedTable(pages, location) };
}
