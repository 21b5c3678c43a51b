import { PeekpackError } from "../errors.js";
import { type Cursor, type Item, is } from "./cursor.js";
import { findKey, KeyTable } from "./key-table.js";

/** A run of bytes from the origin of its archive: `end` is not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a node of the table stands for. */
export type TocNode =
  /** One encoded value. */
  | { readonly kind: "value"; readonly span: Span }
  /** A map or a list whose children have nodes. `span` is absent in the root of a combined archive. */
  | {
      readonly kind: "map" | "list";
      readonly span: Span | undefined;
      /** How many children the table announces. */
      readonly count: number;
      /** Place of the first child in the table's bytes. */
      readonly children: number;
    }
  /** A list whose items are indexed by blocks. */
  | { readonly kind: "blocked"; readonly blocks: Blocks }
  /** A child archive, by the position of its magic. */
  | { readonly kind: "archive"; readonly offset: number };

/** The blocks of a list. They follow each other without a gap. */
export interface Blocks {
  /** Items in all. */
  readonly length: number;
  /** Where each block starts, and, last, where the last one ends: one more number than there are blocks. */
  readonly bounds: Float64Array;
  /** How many items lie before each block, and, last, in all. */
  readonly before: Float64Array;
}

/** A child of a node: where its node is in the table's bytes, and what bounds its span. */
export interface ChildNode {
  readonly place: number;
  readonly bounds: Span;
}

/** The children of a node, to walk over. */
export interface Children {
  /** How many there are; keys that stand twice in a map count once. */
  readonly size: number;
  /** Places of the keys of a map, in its order; none for a list. */
  readonly keys: Uint32Array | undefined;
  at(index: number): ChildNode;
}

/**
 * A table of contents as a view over its bytes. No object is made for a node until the node is asked for. What a look-up
 * learns about the children of a node (where each one stands, the keys' hashes) is kept in typed arrays within a budget of
 * bytes, the least recently used given up first.
 *
 * The bytes must have been scanned: the table relies on them being well-formed items, and checks what they mean.
 */
export class Toc {
  readonly bytes: Uint8Array;
  readonly cursor: Cursor;
  /** Where positions may lie: from 0 to the end of the data. */
  readonly bounds: Span;
  readonly #budget: number;
  #used = 0;
  /** By place of the node; the least recently used first. */
  readonly #learned = new Map<number, KeyTable | Uint32Array>();

  /** A table over the bytes of a cursor. `dataSize`: where positions end. `budget`: memory for what is learned, in bytes. */
  constructor(cursor: Cursor, dataSize: number, budget: number) {
    this.bytes = cursor.bytes;
    this.cursor = cursor;
    this.bounds = { start: 0, end: dataSize };
    this.#budget = budget;
  }

  /** The root node. */
  root(): TocNode {
    return this.node({ place: 0, bounds: this.bounds });
  }

  /**
   * Reads the node at a place.
   * @throws PeekpackError `corrupt` when it is not a node, or when its span does not lie within its parent's.
   */
  node({ place, bounds }: ChildNode): TocNode {
    const { cursor } = this;
    const item: Item = { kind: "other", value: 0 };
    let at = cursor.head(place, item);
    if (is(item, "uint")) return { kind: "archive", offset: item.value };
    if (!is(item, "map") || item.value < 0) throw corrupt("a node is neither a map nor an offset", place);
    let p = -1;
    let t = -1;
    for (let left = item.value; left > 0; left--) {
      const behind = cursor.head(at, item);
      // "p" and "t"; other keys are for later versions of the format.
      const name = is(item, "text") && item.value === 1 ? this.bytes[behind] : 0;
      const value = cursor.skip(at);
      if (name === 0x70) p = value;
      else if (name === 0x74) t = value;
      // Behind the last value lies nothing: to skip it would make a chain of nodes cost the square of its length.
      if (left > 1) at = cursor.skip(value);
    }
    if (t >= 0) {
      const children = cursor.head(t, item);
      const kind = is(item, "array") ? "list" : "map";
      if (kind === "list" || is(item, "map")) {
        if (item.value < 0) throw corrupt("a node's children are of indefinite length", t);
        const count = item.value;
        return { kind, span: p < 0 ? undefined : this.#span(p, bounds), count, children };
      }
      if (!is(item, "null")) throw corrupt('a node\'s "t" is neither a map nor a list', t);
    }
    if (p < 0) throw corrupt('a node has neither "p" nor "t"', place);
    const first = cursor.head(p, item);
    if (!is(item, "array") || item.value < 1) throw corrupt('a node\'s "p" is not a list', p);
    const count = item.value;
    cursor.head(first, item);
    if (is(item, "array")) return { kind: "blocked", blocks: this.#blocks(first, count, bounds) };
    return { kind: "value", span: this.#span(p, bounds) };
  }

  /** The offset of a child archive, where the node at a place is one. */
  offset(place: number): number | undefined {
    const item: Item = { kind: "other", value: 0 };
    this.cursor.head(place, item);
    return is(item, "uint") ? item.value : undefined;
  }

  #span(place: number, bounds: Span): Span {
    const item: Item = { kind: "other", value: 0 };
    let at = this.cursor.head(place, item);
    if (!is(item, "array") || item.value !== 2) throw corrupt("a span is not a pair of integers", place);
    at = this.#uint(at, item);
    const first = item.value;
    this.#uint(at, item);
    const end = item.value;
    if (first < bounds.start || end <= first || end > bounds.end) {
      throw corrupt(`the span ${first} … ${end} is not one within ${bounds.start} … ${bounds.end}`, place);
    }
    return { start: first, end };
  }

  /** Reads an unsigned integer into `item`. Behind the head of anything else no other head stands. */
  #uint(place: number, item: Item): number {
    const behind = this.cursor.head(place, item);
    if (!is(item, "uint")) throw corrupt("a position is not an unsigned integer", place);
    return behind;
  }

  #blocks(place: number, count: number, bounds: Span): Blocks {
    const item: Item = { kind: "other", value: 0 };
    const { cursor } = this;
    const starts = new Float64Array(count + 1);
    const before = new Float64Array(count + 1);
    let at = place;
    for (let i = 0; i < count; i++) {
      const block = at;
      at = cursor.head(at, item);
      if (!is(item, "array") || item.value !== 3) throw corrupt("a block is not three integers", block);
      const numbers = [0, 0, 0];
      for (let n = 0; n < 3; n++) {
        at = this.#uint(at, item);
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
        throw corrupt(`block ${i} (${items} items at ${start} … ${end}) does not fit`, block);
      }
      starts[i] = start;
      starts[i + 1] = end;
      before[i + 1] = before[i]! + items;
    }
    return { length: before[count]!, bounds: starts, before };
  }

  /** The bounds of the children of a node. */
  #within(node: TocNode & { kind: "map" | "list" }): Span {
    return node.span ?? this.bounds;
  }

  /** All children of a node. To be held while many are visited: what the budget does not keep is learned anew each time. */
  children(node: TocNode & { kind: "list" | "map" }): Children {
    const learned = this.#learn(node);
    const bounds = this.#within(node);
    const { nodes, keys, size } =
      learned instanceof KeyTable ? learned : { nodes: learned, keys: undefined, size: node.count };
    return { size, keys, at: (index) => ({ place: nodes[index]!, bounds }) };
  }

  /** The child of a list or map at an index that is known to be in range. */
  item(node: TocNode & { kind: "list" | "map" }, index: number): ChildNode {
    if (node.kind === "map" || this.#keeps(node)) return this.children(node).at(index);
    let place = node.children;
    for (let i = 0; i < index; i++) place = this.cursor.skip(place);
    return { place, bounds: this.#within(node) };
  }

  /** The number of distinct children. Keys that stand twice in a map count once. */
  size(node: TocNode & { kind: "list" | "map" }): number {
    return node.kind === "list" ? node.count : this.children(node).size;
  }

  /** The child of a map under a text key, if there is one. */
  child(node: TocNode & { kind: "list" | "map" }, key: Uint8Array): ChildNode | undefined {
    const bounds = this.#within(node);
    if (this.#keeps(node)) {
      const table = this.#learn(node) as KeyTable;
      const index = table.find(this.cursor, key);
      return index < 0 ? undefined : { place: table.nodes[index]!, bounds };
    }
    const place = findKey(this.cursor, node.children, node.count, key);
    return place < 0 ? undefined : { place, bounds };
  }

  /** Whether what is learned of a node's children is kept, so that to learn it pays. */
  #keeps(node: TocNode & { kind: "list" | "map" }): boolean {
    return node.count * (node.kind === "map" ? KeyTable.MOST_BYTES : 4) <= this.#budget;
  }

  #learn(node: TocNode & { kind: "map" | "list" }): KeyTable | Uint32Array {
    const known = this.#learned.get(node.children);
    if (known !== undefined) {
      this.#learned.delete(node.children);
      this.#learned.set(node.children, known);
      return known;
    }
    const learned =
      node.kind === "map" ? KeyTable.read(this.cursor, node.children, node.count) : this.#places(node);
    const { byteLength } = learned;
    if (byteLength <= this.#budget) {
      this.#learned.set(node.children, learned);
      this.#used += byteLength;
      for (const [place, oldest] of this.#learned) {
        if (this.#used <= this.#budget) break;
        this.#used -= oldest.byteLength;
        this.#learned.delete(place);
      }
    }
    return learned;
  }

  #places(node: TocNode & { kind: "map" | "list" }): Uint32Array {
    const places = new Uint32Array(node.count);
    let at = node.children;
    for (let i = 0; i < places.length; i++) {
      places[i] = at;
      if (i + 1 < places.length) at = this.cursor.skip(at);
    }
    return places;
  }
}

function corrupt(what: string, place: number): PeekpackError {
  return new PeekpackError("corrupt", `The table of contents is damaged: ${what}.`, {
    section: "toc",
    offset: place,
  });
}
