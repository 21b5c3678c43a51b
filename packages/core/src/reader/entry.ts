import { checkCounts } from "../counts.js";
import type { NodeOffset, TableNode, TableView } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";

/** An entry of a map or a list while the container is walked. */
export interface Entry {
  readonly index: number;
  readonly view: TableView;
  /** Offset of its key in the view. −1 in a list. */
  readonly key: number;
  readonly at: NodeOffset;
  /** The node, if it is known already: a large node's encoding is not in the view. */
  readonly known?: TableNode | undefined;
}

/** Which entries to walk over. */
export interface EntryRange {
  /** Index of the first entry. Default 0. */
  readonly start?: number | undefined;
  /** Index after the last entry. Default: all. */
  readonly end?: number | undefined;
  /** How many batches of pages are read in advance, if a page index has them. Default 1. */
  readonly depth?: number | undefined;
}

/** Options of `keys`: a page of them. */
export interface KeysOptions extends ReadOptions {
  /** How many keys to leave out at the beginning. Default 0. With a page index, they are not read. */
  readonly start?: number | undefined;
  /** Maximum number of keys. Default: all. */
  readonly limit?: number | undefined;
}

/** The entries whose keys are wanted. @throws RangeError if `start` or `limit` is negative or not an integer */
export function keyRange({ start = 0, limit = Number.MAX_SAFE_INTEGER }: KeysOptions = {}): {
  readonly start: number;
  readonly end: number;
} {
  checkCounts({ start, limit });
  return { start, end: start + limit };
}

/** The node of an entry. @throws PeekpackError `corrupt` */
export function nodeOf({ known, view, at }: Entry): TableNode {
  return known ?? view.node(at);
}
