import type { NodeOffset, TableNode, TableView } from "../format/table-view.js";

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

/** The node of an entry. @throws PeekpackError `corrupt` */
export function nodeOf({ known, view, at }: Entry): TableNode {
  return known ?? view.node(at);
}
