import { PeekpackError } from "../errors.js";
import type { ChildrenIndex } from "./children-index.js";
import { type Cursor, type Item, is } from "./cursor.js";

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

/** A node with children. */
export type TocBranch = TocNode & { readonly kind: "map" | "list" };

/**
 * A table of contents as a view over its bytes. No object is made for a node until the node is asked for. Children are
 * found by walking over those before them, until a {@link ChildrenIndex} is there to learn where they stand.
 *
 * The bytes must have been scanned: the table relies on them being well-formed items, and checks what they mean.
 */
export class Toc {
  readonly bytes: Uint8Array;
  readonly cursor: Cursor;
  /** Where positions may lie: from 0 to the end of the data. */
  readonly bounds: Span;
  /** Memory for what look-ups learn about the children of nodes, in bytes. */
  readonly budget: number;
  /** What look-ups have learned, once the reader has loaded what learns. */
  index: ChildrenIndex | undefined;
  /** How many bytes look-ups may still walk over before the index is worth to be loaded. */
  #patience: number;

  /** A table over the bytes of a cursor. `dataSize`: where positions end. */
  constructor(cursor: Cursor, dataSize: number, budget: number) {
    this.bytes = cursor.bytes;
    this.cursor = cursor;
    this.bounds = { start: 0, end: dataSize };
    this.budget = budget;
    // To walk over a mebibyte takes a millisecond or two, and to learn a table takes as long as to walk over it.
    this.#patience = Math.max(1024 * 1024, 4 * this.bytes.length);
  }

  /** The root node. */
  root(): TocNode {
    return this.node({ place: 0, bounds: this.bounds });
  }

  /**
   * Reads the node at a place. Of a list of blocks these are known only with the index.
   * @throws PeekpackError `corrupt` when it is not a node, or when its span does not lie within its parent's.
   */
  node({ place, bounds }: ChildNode): TocNode {
    const { cursor } = this;
    const item: Item = { kind: "other", value: 0 };
    let at = cursor.head(place, item);
    if (is(item, "uint")) return { kind: "archive", offset: item.value };
    if (!is(item, "map") || item.value < 0)
      throw damagedTable("a node is neither a map nor an offset", place);
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
      const count = item.value;
      const kind = is(item, "array") ? "list" : is(item, "map") ? "map" : undefined;
      if (kind && count >= 0) {
        return { kind, span: p < 0 ? undefined : this.#span(p, bounds), count, children };
      }
      if (kind || !is(item, "null")) {
        throw damagedTable('a node\'s "t" is neither a map nor a list of a known length', t);
      }
    }
    if (p < 0) throw damagedTable('a node has neither "p" nor "t"', place);
    const first = cursor.head(p, item);
    const count = item.value;
    if (!is(item, "array") || count < 1) throw damagedTable('a node\'s "p" is not a list', p);
    cursor.head(first, item);
    if (is(item, "array")) {
      return { kind: "blocked", blocks: this.index?.blocks(first, count, bounds) as Blocks };
    }
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
    if (!is(item, "array") || item.value !== 2) throw damagedTable("a span is not a pair of integers", place);
    at = this.uint(at, item);
    const first = item.value;
    this.uint(at, item);
    const end = item.value;
    if (first < bounds.start || end <= first || end > bounds.end) {
      throw damagedTable(
        `the span ${first} … ${end} is not one within ${bounds.start} … ${bounds.end}`,
        place,
      );
    }
    return { start: first, end };
  }

  /** Reads an unsigned integer into `item`, and gives the place behind it. Behind the head of anything else no other head stands. */
  uint(place: number, item: Item): number {
    const behind = this.cursor.head(place, item);
    if (!is(item, "uint")) throw damagedTable("a position is not an unsigned integer", place);
    return behind;
  }

  /** The bounds of the children of a node. */
  within(node: TocBranch): Span {
    return node.span ?? this.bounds;
  }

  /** All children of a node. Needs the index. */
  children(node: TocBranch): Children {
    return this.index!.children(node);
  }

  /** The number of distinct children. Keys that stand twice in a map count once. Needs the index. */
  size(node: TocBranch): number {
    return this.index!.size(node);
  }

  /** The child of a map under a text key, given as UTF-8, if there is one. Needs the index. */
  child(node: TocBranch, key: Uint8Array): ChildNode | undefined {
    return this.index!.child(node, key);
  }

  /** Whether so much was walked over that the index should be there. */
  get wantsIndex(): boolean {
    return this.#patience < 0;
  }

  /** The item of a list at an index that is known to be in range, found by walking. */
  nth(node: TocBranch, index: number): ChildNode {
    let place = node.children;
    for (let i = 0; i < index; i++) place = this.cursor.skip(place);
    this.#patience -= place - node.children;
    return { place, bounds: this.within(node) };
  }

  /** The child of a map under a text key, given as UTF-8, found by walking over its keys and nodes. */
  find(node: TocBranch, key: Uint8Array): ChildNode | undefined {
    const { bytes, cursor } = this;
    const item: Item = { kind: "other", value: 0 };
    let found = -1;
    let at = node.children;
    for (let left = node.count; left > 0; left--) {
      const start = cursor.head(at, item);
      const place = cursor.skip(at);
      let same = is(item, "text") && item.value === key.length;
      for (let i = 0; same && i < key.length; i++) same = bytes[start + i] === key[i];
      // What stands twice is what it is the last time.
      if (same) found = place;
      // Not behind the last one: a chain of nodes would cost the square of its length.
      at = left > 1 ? cursor.skip(place) : place;
    }
    this.#patience -= at - node.children;
    return found < 0 ? undefined : { place: found, bounds: this.within(node) };
  }
}

/** The error for a table that is damaged at a place. */
export function damagedTable(what: string, place: number): PeekpackError {
  return new PeekpackError("corrupt", `The table of contents is damaged: ${what}.`, {
    section: "toc",
    offset: place,
  });
}
