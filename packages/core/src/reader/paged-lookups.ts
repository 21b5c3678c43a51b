import type { BlockList, Blocks, Branch, Span, TableNode } from "../format/table-view.js";
import type { ByteLru } from "../lru.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Entry, EntryRange } from "./entry.js";
import type { IndexLocation } from "./index-blocks.js";
import type { TableCodec } from "./large-node.js";
import type { PathKey } from "./path.js";

/** What a paged table needs of its archive. */
export interface TablePages extends TableCodec {
  /** Length of the archive's data. */
  readonly dataSize: number;
  /** Keeps pages and blocks of the index. */
  readonly memory: ByteLru<string, object>;
  /** The longest table that is read as a whole. */
  readonly maxTocBytes: number;
  /** Tells this table from others that share the memory. */
  readonly id: string;
  /** Lookups in the whole table, which was checked. */
  whole(bytes: Uint8Array): TableLookups;
  /** Reads pieces of the table, by table offset. */
  readTable(ranges: readonly Span[], options?: ReadOptions): Promise<Uint8Array[]>;
}

/** Lookups in a table that is in memory. */
export interface TableLookups {
  root(): TableNode;
  find(
    node: Branch,
    key: PathKey,
    options?: ReadOptions,
  ): TableNode | undefined | Promise<TableNode | undefined>;
  indexOf(node: Branch, key: PathKey, options?: ReadOptions): Promise<number>;
  item(node: Branch, index: number, options?: ReadOptions): TableNode | Promise<TableNode>;
  walk(node: Branch, range?: EntryRange, options?: ReadOptions): AsyncGenerator<Entry[]>;
}

/** Lookups in a table that is fetched page by page. */
export interface PagedLookups {
  /** Where the page index is. */
  readonly index: IndexLocation;
  /** The root node. */
  root(): TableNode;
  /**
   * The node under a key of a large map.
   * @param exact whether to search through the hash blocks in any case, and not among the known large nodes
   */
  find(branch: Branch, key: PathKey, options?: ReadOptions, exact?: boolean): Promise<TableNode | undefined>;
  /** The index of the entry under a key of a large map. −1 if there is none. */
  indexOf(branch: Branch, key: PathKey, options?: ReadOptions): Promise<number>;
  /** The item of a large list at an index that is in range. */
  item(branch: Branch, index: number, options?: ReadOptions): Promise<TableNode>;
  /** Walks over the entries of a large map or list. Pages are read some at a time, shortly before they are needed. */
  walk(branch: Branch, range: EntryRange, options?: ReadOptions): AsyncGenerator<Entry[]>;
  /** The blocks of a large list of blocks that hold some of its items. */
  blocks(list: BlockList, start: number, end: number, options?: ReadOptions): Promise<Blocks>;
  /** Walks over all blocks of a large list of blocks. */
  walkBlocks(list: BlockList, options?: ReadOptions): AsyncGenerator<Blocks>;
}
