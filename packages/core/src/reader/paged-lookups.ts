import type { BlockList, Blocks, Branch, Span, TableNode } from "../format/table-view.js";
import type { Limits } from "../limits.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Entry, EntryRange } from "./entry.js";
import type { IndexLocation, PieceMemory } from "./index-blocks.js";
import type { TableCodec } from "./large-node.js";
import type { PathKey, PathSegment } from "./path.js";

/** What a paged table needs of its archive. */
export interface TablePages extends TableCodec, PieceMemory {
  readonly limits: Limits;
  /** The table as a whole, which was checked. */
  whole(bytes: Uint8Array): TableLookups;
  /** Reads pieces of the table, by table offset. */
  readTable(ranges: readonly Span[], options?: ReadOptions): Promise<Uint8Array[]>;
}

/** Lookups in nodes of a table. */
export interface TableLookups {
  /** The root node. */
  root(): TableNode;
  /**
   * The node under a key of a map.
   * @param exact whether to search through the hash blocks in any case, and not among the known large nodes
   */
  find(
    branch: Branch,
    key: PathKey,
    options?: ReadOptions,
    exact?: boolean,
  ): TableNode | undefined | Promise<TableNode | undefined>;
  /** The index of the entry under a key of a map. −1 if there is none. */
  indexOf(branch: Branch, key: PathKey, options?: ReadOptions): Promise<number>;
  /**
   * The items of a list at indices that are in range, in the order given.
   * @param exact false: a single large item may be known by its path only. It is then compared while it is used, as what
   *   {@link find} gives.
   */
  items(
    branch: Branch,
    indices: readonly number[],
    options?: ReadOptions,
    exact?: boolean,
  ): Promise<TableNode[]>;
  /** Walks over the entries of a map or list. Pages are read some at a time, shortly before they are needed. */
  walk(branch: Branch, range: EntryRange, options?: ReadOptions): AsyncGenerator<Entry[]>;
}

/** Lookups in large nodes, which a page index describes. */
export interface LargeLookups extends TableLookups {
  /** The blocks of a list of blocks that hold some of its items. */
  blocks(list: BlockList, start: number, end: number, options?: ReadOptions): Promise<Blocks>;
  /** Walks over the blocks of a list of blocks, from the one that begins with item `start`. */
  walkBlocks(list: BlockList, start: number, options?: ReadOptions): AsyncGenerator<Blocks>;
}

/** Lookups in a table that is fetched page by page. */
export interface PagedLookups extends LargeLookups {
  /** Where the page index is. */
  readonly index: IndexLocation;
  /** Requests what the lookups along a path from a node will need, so that they do not wait for one another. */
  prefetch(node: TableNode, path: readonly PathSegment[], options?: ReadOptions): void;
}
