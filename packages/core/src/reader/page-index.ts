import { crc32 } from "../crc32.js";
import { isPeekpackError, PeekpackError } from "../errors.js";
import { HEADER_SIZE, type Header } from "../format/header.js";
import {
  decodeFooter,
  decodeRootBlock,
  FOOTER_SIZE,
  type Footer,
  type RootBlock,
} from "../format/page-index.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";

/** Bytes of an object that were read, and where they start in it. */
export interface ReadPiece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** An archive whose header is known, and what has been read of it. */
export interface ArchiveExtent {
  readonly header: Header;
  /** Offset of the magic in the source. */
  readonly start: number;
  /** Offset where its room ends: the end of the object, or the next child archive. Undefined if it is not known. */
  readonly end: number | undefined;
  readonly pieces: readonly ReadPiece[];
}

/** The page index of an archive: where its blocks are, and what its root block says. */
export interface PageIndex {
  /** What the index is read from: the archive's own source, or a sidecar. */
  readonly source: RangeSource;
  /** Offset of the index in its source. */
  readonly start: number;
  /** Footer and root block as bytes: what a kept index holds. */
  readonly bytes: Uint8Array;
  readonly footer: Footer;
  readonly root: RootBlock;
}

/** What is known of an archive's page index. */
export interface PageIndexInfo {
  /**
   * `used`: values are found through it. `none`: there is none. `unneeded`: the table was short enough to be read with
   * the end of the archive. `stale`: it belongs to another table. `damaged`: it does not decode. Without `used`, the
   * whole table is read.
   */
  readonly state: "used" | "none" | "unneeded" | "stale" | "damaged";
  /** Length of the index in bytes. 0 if it is not known. */
  readonly bytes: number;
  /** Whether it is an object of its own beside the archive. */
  readonly sidecar: boolean;
  /** What is wrong with it. */
  readonly reason?: string | undefined;
}

/** The outcome of a search for a page index. */
export interface PageIndexFound {
  readonly index?: PageIndex | undefined;
  readonly info: PageIndexInfo;
}

/** Looks for a page index at the end of an archive, or in a sidecar. What the pieces do not hold is read. */
export async function findPageIndex(
  source: RangeSource,
  found: ArchiveExtent,
  sidecar: RangeSource | undefined,
  options?: ReadOptions,
): Promise<PageIndexFound> {
  const reading: ReadOptions = { ...options, reason: "open" };
  if (sidecar !== undefined) {
    const { size, tail } = await sidecar.probe({ head: 0, tail: 32 * 1024 }, reading);
    return readPageIndex(
      sidecar,
      found,
      0,
      size,
      [{ start: size - tail.length, bytes: tail }],
      true,
      reading,
    );
  }
  const start = found.start + HEADER_SIZE + found.header.tocStart + found.header.tocSize;
  const { end = start } = found;
  return readPageIndex(source, found, start, end, found.pieces, false, reading);
}

async function readPageIndex(
  source: RangeSource,
  { header }: ArchiveExtent,
  start: number,
  end: number,
  pieces: readonly ReadPiece[],
  sidecar: boolean,
  options: ReadOptions,
): Promise<PageIndexFound> {
  const without = (state: PageIndexInfo["state"], bytes: number, reason?: string): PageIndexFound => ({
    info: { state, bytes, sidecar, reason },
  });
  if (end - start < FOOTER_SIZE) {
    return sidecar ? without("damaged", end, "The sidecar is too short.") : without("none", 0);
  }
  const read = async (from: number, to: number): Promise<Uint8Array> => {
    const piece = pieces.find((piece) => piece.start <= from && to <= piece.start + piece.bytes.length);
    if (piece !== undefined) return piece.bytes.subarray(from - piece.start, to - piece.start);
    return (await source.read([{ start: from, end: to }], options))[0]!;
  };
  const footerBytes = await read(end - FOOTER_SIZE, end);
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
  try {
    const root = decodeRootBlock(rootBytes, footer);
    const bytes = new Uint8Array(rootBytes.length + FOOTER_SIZE);
    bytes.set(rootBytes);
    bytes.set(footerBytes, rootBytes.length);
    return {
      index: { source, start, bytes, footer, root },
      info: { state: "used", bytes: footer.indexSize, sidecar },
    };
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    return without("damaged", footer.indexSize, error.message);
  }
}

/** The page index of an archive that is opened by a kept index. @throws PeekpackError `corrupt` */
export function keptPageIndex(
  source: RangeSource,
  header: Header,
  archiveStart: number,
  bytes: Uint8Array,
  sidecar: boolean,
): { readonly index: PageIndex; readonly info: PageIndexInfo } {
  const footer = decodeFooter(bytes.subarray(Math.max(0, bytes.length - FOOTER_SIZE)));
  const rootBytes = bytes.subarray(0, Math.max(0, bytes.length - FOOTER_SIZE));
  if (
    footer === undefined ||
    footer.tocStart !== header.tocStart ||
    footer.tocSize !== header.tocSize ||
    footer.rootSize !== rootBytes.length ||
    footer.rootCrc !== crc32(rootBytes)
  ) {
    throw new PeekpackError("corrupt", "The kept page index is damaged.", { section: "toc" });
  }
  const start = sidecar ? 0 : archiveStart + HEADER_SIZE + header.tocStart + header.tocSize;
  return {
    index: { source, start, bytes, footer, root: decodeRootBlock(rootBytes, footer) },
    info: { state: "used", bytes: footer.indexSize, sidecar },
  };
}
