import { HEADER_SIZE, type Header } from "../format/header.js";
import type { PageIndexInfo } from "./page-index-info.js";
import type { PagedLookups, TablePages } from "./paged-lookups.js";

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

/** A page index that was found. */
export interface PageIndex {
  /** Root block and footer: what a kept index holds. */
  readonly bytes: Uint8Array;
  /** Makes the table that is read through it. */
  table(pages: TablePages): PagedLookups;
}

/** The outcome of a search for a page index. */
export interface PageIndexFound {
  readonly index?: PageIndex | undefined;
  readonly info: PageIndexInfo;
}

/** Offset in the source where the table starts. */
export function tableStart({ header, start }: ArchiveExtent): number {
  return start + HEADER_SIZE + header.tocStart;
}
