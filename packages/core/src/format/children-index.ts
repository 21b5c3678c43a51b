import { type Item, is } from "./cursor.js";
import { KeyTable } from "./key-table.js";
import {
  type Blocks,
  type ChildNode,
  type Children,
  damagedTable,
  type Span,
  type Toc,
  type TocBranch,
} from "./toc.js";

/**
 * What look-ups learn about the children of a table's nodes: where each one stands, and the keys' hashes. Kept in typed
 * arrays within the table's budget, the least recently used given up first.
 */
export class ChildrenIndex {
  readonly #toc: Toc;
  #used = 0;
  /** By place of the node; the least recently used first. */
  readonly #learned = new Map<number, KeyTable | Uint32Array>();

  constructor(toc: Toc) {
    this.#toc = toc;
  }

  /** All children of a node. To be held while many are visited: what the budget does not keep is learned anew each time. */
  children(node: TocBranch): Children {
    const learned = this.#learn(node);
    const bounds = this.#toc.within(node);
    const { nodes, keys, size } =
      learned instanceof KeyTable ? learned : { nodes: learned, keys: undefined, size: node.count };
    return { size, keys, at: (index) => ({ place: nodes[index]!, bounds }) };
  }

  /** The child of a list or map at an index that is known to be in range. */
  item(node: TocBranch, index: number): ChildNode {
    return node.kind === "map" || this.#keeps(node)
      ? this.children(node).at(index)
      : this.#toc.nth(node, index);
  }

  /** The number of distinct children. Keys that stand twice in a map count once. */
  size(node: TocBranch): number {
    return node.kind === "list" ? node.count : this.children(node).size;
  }

  /** The child of a map under a text key, if there is one. */
  child(node: TocBranch, key: Uint8Array): ChildNode | undefined {
    const toc = this.#toc;
    if (!this.#keeps(node)) return toc.find(node, key);
    const table = this.#learn(node) as KeyTable;
    const index = table.find(toc.cursor, key);
    return index < 0 ? undefined : { place: table.nodes[index]!, bounds: toc.within(node) };
  }

  /** The blocks of a list. */
  blocks(place: number, count: number, bounds: Span): Blocks {
    const item: Item = { kind: "other", value: 0 };
    const toc = this.#toc;
    const { cursor } = toc;
    const starts = new Float64Array(count + 1);
    const before = new Float64Array(count + 1);
    let at = place;
    for (let i = 0; i < count; i++) {
      const block = at;
      at = cursor.head(at, item);
      if (!is(item, "array") || item.value !== 3) throw damagedTable("a block is not three integers", block);
      const numbers = [0, 0, 0];
      for (let n = 0; n < 3; n++) {
        at = toc.uint(at, item);
        numbers[n] = item.value;
      }
      const [items, start, end] = numbers as [number, number, number];
      // An item takes a byte at least, which bounds the count before anything is allocated for it.
      if (
        start < bounds.start ||
        end > bounds.end ||
        (i > 0 && start !== starts[i]) ||
        items < 1 ||
        items > end - start
      ) {
        throw damagedTable(`block ${i} (${items} items at ${start} … ${end}) does not fit`, block);
      }
      starts[i] = start;
      starts[i + 1] = end;
      before[i + 1] = before[i]! + items;
    }
    return { length: before[count]!, bounds: starts, before };
  }

  /** Whether what is learned of a node's children is kept, so that to learn it pays. */
  #keeps(node: TocBranch): boolean {
    return node.count * (node.kind === "map" ? KeyTable.MOST_BYTES : 4) <= this.#toc.budget;
  }

  #learn(node: TocBranch): KeyTable | Uint32Array {
    const known = this.#learned.get(node.children);
    if (known !== undefined) {
      this.#learned.delete(node.children);
      this.#learned.set(node.children, known);
      return known;
    }
    const { cursor, budget } = this.#toc;
    const learned =
      node.kind === "map" ? KeyTable.read(cursor, node.children, node.count) : this.#places(node);
    const { byteLength } = learned;
    if (byteLength <= budget) {
      this.#learned.set(node.children, learned);
      this.#used += byteLength;
      for (const [place, oldest] of this.#learned) {
        if (this.#used <= budget) break;
        this.#used -= oldest.byteLength;
        this.#learned.delete(place);
      }
    }
    return learned;
  }

  #places(node: TocBranch): Uint32Array {
    const { cursor } = this.#toc;
    const places = new Uint32Array(node.count);
    let at = node.children;
    for (let i = 0; i < places.length; i++) {
      places[i] = at;
      if (i + 1 < places.length) at = cursor.skip(at);
    }
    return places;
  }
}
