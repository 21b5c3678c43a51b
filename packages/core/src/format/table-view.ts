import { PeekpackError } from "../errors.js";
import { type Cursor, type Item, is } from "./cursor.js";

/** A half-open run of bytes. Both ends are positions: they count from the end of the archive's header. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a node of the table describes. */
export type TableNode =
  /** One encoded value. */
  { readonly kind: "value"; readonly span: Span } | Branch | BlockList | ArchiveNode;

/** A child archive. */
export interface ArchiveNode {
  readonly kind: "archive";
  /** Position of its magic. */
  readonly offset: number;
  /** Position where its room ends, if a page of the table has said it. */
  readonly end?: number | undefined;
}

/** A map or a list with a node for each child. `span` is absent in the root of a combined archive. */
export interface Branch {
  readonly kind: "map" | "list";
  readonly span: Span | undefined;
  /** How many entries the table announces. */
  readonly count: number;
  readonly entries: TableEntries | PagedEntries;
}

/** A list whose items are indexed by blocks. */
export interface BlockList {
  readonly kind: "blocked";
  /** How many items there are. */
  readonly length: number;
  readonly blocks: Blocks | PagedEntries;
}

/** Entries whose encoding is in memory. */
export interface TableEntries {
  readonly view: TableView;
  /** Offset of the first entry in the view's bytes. */
  readonly first: number;
}

/** Entries of a large node, which are fetched page by page. Only the table that made it can read it. */
export interface PagedEntries {
  /** Where the node's encoding starts in the table. */
  readonly node: number;
  /** Settles when what the page index says of the node has been compared with the table. */
  readonly verified: Promise<void> | undefined;
}

/** Blocks of a list. They are contiguous. */
export interface Blocks {
  /** Where each block starts. The last number is where the last block ends: one number more than there are blocks. */
  readonly bounds: Float64Array;
  /** How many items of the list precede each block. The last number is how many precede the end of the last block. */
  readonly before: Float64Array;
}

/** The ends of items are remembered if they are at least this long, in bytes, and this share of the table. */
const LONG = 4096;
/** A share bounds how many ends there are, however deep a table nests. */
const SHARE = 1 / 256;

/** Gives the blocks at an offset of a view: those that are kept, or those that `read` gives. */
export type KeepBlocks = (offset: number, read: () => Blocks) => Blocks;

/** Where a child's node is in a view, and the span that bounds it. */
export interface NodeOffset {
  readonly offset: number;
  readonly bounds: Span;
}

/**
 * A table of contents, or a page of one, as a view over its bytes. An object is made only for a node that is asked for.
 * The bytes must have been checked: the view relies on well-formed items, and checks what they mean.
 */
export class TableView {
  readonly bytes: Uint8Array;
  readonly cursor: Cursor;
  /** Where positions may lie: from 0 to the end of the data. */
  readonly bounds: Span;
  /** Offset of the view's first byte in the table. */
  readonly base: number;
  readonly #keepBlocks: KeepBlocks;
  /** Length of a long item in bytes. */
  readonly #long: number;
  /** Bytes that skipping long items has passed over. */
  #skipped = 0;
  /** Ends of long containers, by offset. */
  #ends: Map<number, number> | undefined;

  /**
   * @param dataSize length of the archive's data: no position is beyond it
   * @param base offset of the bytes in the table
   * @param keepBlocks keeps the blocks of a list, so that they are not read for every lookup
   */
  constructor(cursor: Cursor, dataSize: number, base = 0, keepBlocks: KeepBlocks = (_, read) => read()) {
    this.bytes = cursor.bytes;
    this.cursor = cursor;
    this.bounds = { start: 0, end: dataSize };
    this.base = base;
    this.#keepBlocks = keepBlocks;
    this.#long = Math.max(LONG, cursor.bytes.length * SHARE);
  }

  /**
   * Reads the node at an offset.
   * @throws PeekpackError `corrupt` if it is not a node, or if its span does not lie within `bounds`
   */
  node({ offset, bounds }: NodeOffset): TableNode {
    const { cursor } = this;
    const item: Item = { kind: "other", value: 0 };
    let at = cursor.head(offset, item);
    if (is(item, "uint")) return { kind: "archive", offset: item.value };
    if (!is(item, "map") || item.value < 0)
      throw this.damaged("a node is neither a map nor an offset", offset);
    let p = -1;
    let t = -1;
    for (let left = item.value; left > 0; left--) {
      const afterHead = cursor.head(at, item);
      // "p" and "t". Other keys are for later versions of the format.
      const name = is(item, "text") && item.value === 1 ? this.bytes[afterHead] : 0;
      const value = this.skip(at);
      if (name === 0x70) p = value;
      else if (name === 0x74) t = value;
      // The last value is not skipped: in a chain of nodes that would take quadratic time.
      if (left > 1) at = this.skip(value);
    }
    if (t >= 0) {
      const first = cursor.head(t, item);
      const count = item.value;
      const kind = is(item, "array") ? "list" : is(item, "map") ? "map" : undefined;
      if (kind && count >= 0) {
        const span = p < 0 ? undefined : this.#span(p, bounds);
        return { kind, span, count, entries: { view: this, first } };
      }
      if (kind || !is(item, "null")) {
        throw this.damaged('a node\'s "t" is neither a map nor a list of a known length', t);
      }
    }
    if (p < 0) throw this.damaged('a node has neither "p" nor "t"', offset);
    const first = cursor.head(p, item);
    const count = item.value;
    if (!is(item, "array") || count < 1) throw this.damaged('a node\'s "p" is not a list', p);
    cursor.head(first, item);
    if (!is(item, "array")) return { kind: "value", span: this.#span(p, bounds) };
    const blocks = this.#keepBlocks(first, () => this.blocks(first, count, bounds));
    return { kind: "blocked", length: blocks.before[count]!, blocks };
  }

  /**
   * The offset after the item at an offset. A deep table whose nodes have their children before their span is skipped at
   * every level. Once that has cost a few passes over the table, one more pass learns where all long containers end.
   */
  skip(offset: number): number {
    const known = this.#ends?.get(offset);
    if (known !== undefined) return known;
    const end = this.cursor.skip(offset);
    if (end - offset >= this.#long && this.#ends === undefined) {
      this.#skipped += end - offset;
      if (this.#skipped > this.bytes.length * 4) this.#ends = this.#longContainers();
    }
    return end;
  }

  #longContainers(): Map<number, number> {
    const ends = new Map<number, number>();
    const item: Item = { kind: "other", value: 0 };
    const open: { readonly offset: number; left: number }[] = [];
    let at = 0;
    do {
      const offset = at;
      at = this.cursor.head(offset, item);
      if ((is(item, "array") || is(item, "map")) && item.value > 0) {
        open.push({ offset, left: is(item, "map") ? item.value * 2 : item.value });
        continue;
      }
      at = this.cursor.skip(offset);
      while (open.length > 0 && --open.at(-1)!.left === 0) {
        const { offset } = open.pop()!;
        if (at - offset >= this.#long) ends.set(offset, at);
      }
    } while (open.length > 0);
    return ends;
  }

  /** The offset of a child archive, if the node at an offset is one. */
  archiveOffset(offset: number): number | undefined {
    const item: Item = { kind: "other", value: 0 };
    this.cursor.head(offset, item);
    return is(item, "uint") ? item.value : undefined;
  }

  /**
   * Reads `count` blocks of a list.
   * @param before how many items of the list precede them
   * @throws PeekpackError `corrupt` if they are not contiguous, or do not lie within `bounds`
   */
  blocks(offset: number, count: number, bounds: Span, before = 0): Blocks {
    const item: Item = { kind: "other", value: 0 };
    const { cursor } = this;
    const starts = new Float64Array(count + 1);
    const items = new Float64Array(count + 1);
    items[0] = before;
    let at = offset;
    for (let i = 0; i < count; i++) {
      const block = at;
      at = cursor.head(at, item);
      if (!is(item, "array") || item.value !== 3) throw this.damaged("a block is not three integers", block);
      at = this.#position(at, item);
      const length = item.value;
      at = this.#position(at, item);
      const start = item.value;
      at = this.#position(at, item);
      const end = item.value;
      // An item takes at least one byte, which bounds the count before anything is allocated for it.
      if (
        start < bounds.start ||
        end > bounds.end ||
        (i > 0 && start !== starts[i]) ||
        length < 1 ||
        length > end - start
      ) {
        throw this.damaged(`block ${i} (${length} items at ${start} … ${end}) does not fit`, block);
      }
      starts[i] = start;
      starts[i + 1] = end;
      items[i + 1] = items[i]! + length;
    }
    return { bounds: starts, before: items };
  }

  /** The bounds of the children of a node. */
  within(node: Branch): Span {
    return node.span ?? this.bounds;
  }

  /** Reads the item of a list at an index that is in range, by skipping those before it. */
  nth(node: Branch & { readonly entries: TableEntries }, index: number): NodeOffset {
    let offset = node.entries.first;
    for (let i = 0; i < index; i++) offset = this.skip(offset);
    return { offset, bounds: this.within(node) };
  }

  /** The error for a table that is damaged at an offset of the view. */
  damaged(what: string, offset: number): PeekpackError {
    return new PeekpackError("corrupt", `The table of contents is damaged: ${what}.`, {
      section: "toc",
      offset: this.base + offset,
    });
  }

  #span(offset: number, bounds: Span): Span {
    const item: Item = { kind: "other", value: 0 };
    let at = this.cursor.head(offset, item);
    if (!is(item, "array") || item.value !== 2)
      throw this.damaged("a span is not a pair of integers", offset);
    at = this.#position(at, item);
    const start = item.value;
    this.#position(at, item);
    const end = item.value;
    if (start < bounds.start || end <= start || end > bounds.end) {
      throw this.damaged(`the span ${start} … ${end} is not within ${bounds.start} … ${bounds.end}`, offset);
    }
    return { start, end };
  }

  /** Reads an unsigned integer into `item`, and gives the offset after it. */
  #position(offset: number, item: Item): number {
    const after = this.cursor.head(offset, item);
    if (!is(item, "uint")) throw this.damaged("a position is not an unsigned integer", offset);
    return after;
  }
}
