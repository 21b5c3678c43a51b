import type { NODE_KINDS, PageRecord } from "./page-index.js";
import type { KeyHashes } from "./page-index-hashes.js";

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
