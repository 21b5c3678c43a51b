import type { Protocol } from "./header.js";
import type { NODE_KINDS, PageRecord } from "./page-index.js";
import type { MapHashes } from "./page-index-hashes.js";
import type { IndexedNode } from "./page-index-layout.js";

/** What is read next of an open node. */
export type NodeState = "field" | "span" | "children" | "skip" | "entries" | "blocks";

/** A large node that is being read. Offsets are table offsets. */
export class OpenNode {
  readonly parent: OpenNode | undefined;
  readonly level: number;
  readonly key: number;
  readonly node: number;
  /** The hash of its path. */
  readonly hash: number;
  state: NodeState = "field";
  /** Fields that are left. */
  fields: number;
  kind: (typeof NODE_KINDS)[number] | undefined;
  first = 0;
  headCrc = 0;
  count = 0;
  /** Entries so far, and items of blocks. */
  index = 0;
  items = 0;
  hasSpan = false;
  spanStart = 0;
  spanEnd = 0;
  /** Where the value before the next entry ends, a position. −1 before the first. */
  before = -1;
  hashes: MapHashes | undefined;
  readonly pages: PageRecord[] = [];

  constructor(parent: OpenNode | undefined, key: number, node: number, hash: number, fields: number) {
    this.parent = parent;
    this.level = parent === undefined ? 0 : parent.level + 1;
    this.key = key;
    this.node = node;
    this.hash = hash;
    this.fields = fields;
  }
}

/** What the index holds of a node that has been read up to a table offset, or why the table cannot be indexed. */
export function indexedNode(open: OpenNode, end: number, protocol: Protocol): IndexedNode | string {
  const { kind, pages, count, node, key, first, spanStart, spanEnd, items, hash, level, headCrc } = open;
  const [page] = pages;
  if (kind === undefined || page === undefined) return "a node without entries is longer than a page";
  if (page.start < 0) pages[0] = { ...page, start: open.hasSpan ? spanStart + headSize(protocol, count) : 0 };
  return {
    node,
    end,
    key,
    first,
    count,
    spanStart,
    spanEnd,
    items,
    hash,
    level,
    kind,
    headCrc,
    pages,
  };
}

/** Length of the shortest head of a container of so many entries. */
function headSize(protocol: Protocol, count: number): number {
  if (protocol === "msgpack") return count < 16 ? 1 : count < 0x10000 ? 3 : 5;
  return count < 24 ? 1 : count < 0x100 ? 2 : count < 0x10000 ? 3 : count < 2 ** 32 ? 5 : 9;
}
