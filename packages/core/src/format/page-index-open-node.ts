import type { Protocol } from "./header.js";
import type { NODE_KINDS, PageRecord } from "./page-index.js";
import type { HashRun } from "./page-index-hash-runs.js";
import type { KeyHashes } from "./page-index-hashes.js";
import type { IndexedNode } from "./page-index-layout.js";

/** Why a table with a duplicate key has no index. */
export const SAME_KEY = "a map holds the same key twice";

/** What is read next of an open node. */
export type NodeState = "field" | "span" | "children" | "skip" | "entries" | "blocks";

/** A large node that is being read. Offsets are table offsets. */
export class OpenNode {
  readonly parent: OpenNode | undefined;
  readonly level: number;
  readonly key: number;
  readonly node: number;
  readonly keyHash: number;
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
  hashes: KeyHashes | undefined;
  /** Hashes that were spilled. */
  readonly runs: HashRun[] = [];
  readonly pages: PageRecord[] = [];

  constructor(parent: OpenNode | undefined, key: number, node: number, keyHash: number, fields: number) {
    this.parent = parent;
    this.level = parent === undefined ? 0 : parent.level + 1;
    this.key = key;
    this.node = node;
    this.keyHash = keyHash;
    this.fields = fields;
  }
}

/**
 * What the index holds of a node that has been read up to a table offset, or why the table cannot be indexed. Without hash
 * blocks if some of its hashes were spilled.
 */
export function indexedNode(open: OpenNode, end: number, protocol: Protocol): IndexedNode | string {
  const { kind, pages, count, hashes, node, key, first, spanStart, spanEnd, items, keyHash, level, headCrc } =
    open;
  const [page] = pages;
  if (kind === undefined || page === undefined) return "a node without entries is longer than a page";
  if (page.start < 0) pages[0] = { ...page, start: open.hasSpan ? spanStart + headSize(protocol, count) : 0 };
  const isSpilled = open.runs.length > 0;
  const blocks = isSpilled ? undefined : hashes?.blocks(pages);
  if (hashes !== undefined && blocks === undefined && !isSpilled) return SAME_KEY;
  return {
    node,
    end,
    key,
    first,
    count,
    spanStart,
    spanEnd,
    items,
    keyHash,
    level,
    kind,
    headCrc,
    pages,
    hashes: pages.length > 1 ? blocks : undefined,
  };
}

/** Length of the shortest head of a container of so many entries. */
function headSize(protocol: Protocol, count: number): number {
  if (protocol === "msgpack") return count < 16 ? 1 : count < 0x10000 ? 3 : 5;
  return count < 24 ? 1 : count < 0x100 ? 2 : count < 0x10000 ? 3 : count < 2 ** 32 ? 5 : 9;
}
