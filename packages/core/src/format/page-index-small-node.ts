import { PeekpackError } from "../errors.js";
import { PAGE_BYTES } from "./page-index.js";
import { BEYOND, MALFORMED, type TableWalker } from "./page-index-walker.js";

/** Reads the nodes of a table that are small, and spans. Offsets are offsets in the walker's buffer. */
export class SmallNodeReader {
  readonly #walker: TableWalker;
  /** Where positions end. */
  readonly #dataSize: number;
  /** Table offset of the buffer's first byte. */
  base = 0;
  /** Where the value of the node or the span that was read last begins, a position. −1 if the node does not tell. */
  valueStart = -1;
  /** Where it ends. A child archive counts as empty: its node tells where it begins and no more. */
  valueEnd = -1;
  /** Whether the value is a child archive. */
  isArchive = false;

  constructor(walker: TableWalker, dataSize: number) {
    this.#walker = walker;
    this.#dataSize = dataSize;
  }

  /**
   * Reads the node at an offset of a buffer that ends at `end`.
   * Returns the offset after it, or {@link BEYOND} if the node is longer than a page.
   * @throws PeekpackError `corrupt`, also if the buffer ends before the node and before a page does
   */
  read(start: number, end: number): number {
    const walker = this.#walker;
    const limit = Math.min(start + PAGE_BYTES, end);
    const word = walker.word(start);
    this.isArchive = false;
    // A "p" of two entries may also be two blocks.
    const usual = word === walker.leaf || word === walker.branch;
    const pair = usual ? this.#pair(start + 4) : MALFORMED;
    let after: number;
    if (pair === MALFORMED) after = this.#node(start, limit);
    else if (word === walker.branch) after = this.#branch(start, pair, limit);
    else after = pair <= limit ? pair : BEYOND;
    if (after === BEYOND && limit < start + PAGE_BYTES) throw this.damaged("it ends too early", start);
    return after;
  }

  /** Reads a span of `count` integers from its first integer on. Returns the offset after it. */
  span(first: number, count: number): number {
    const after = count === 2 ? this.#pair(first) : MALFORMED;
    if (after === MALFORMED) throw this.damaged("a span is not a pair of integers", first);
    return after;
  }

  /** Reads a span, or returns {@link MALFORMED} if it is not a pair of integers. */
  #pair(first: number): number {
    const walker = this.#walker;
    const second = walker.uint(first);
    if (second === MALFORMED) return MALFORMED;
    const start = walker.value;
    const after = walker.uint(second);
    const end = walker.value;
    if (after === MALFORMED) return MALFORMED;
    if (start >= end || end > this.#dataSize) throw this.damaged("a span does not lie in the data", first);
    this.valueStart = start;
    this.valueEnd = end;
    return after;
  }

  /** Reads a block. Returns its count; where it lies is then known. `after`: the offset after it. */
  block(start: number): { readonly count: number; readonly after: number } {
    const walker = this.#walker;
    const first = walker.head(start);
    const second = walker.kind === "array" && walker.value === 3 ? walker.uint(first) : MALFORMED;
    const count = walker.value;
    if (second === MALFORMED || count < 1) throw this.damaged("a block is not a count and a span", start);
    return { count, after: this.span(second, 2) };
  }

  damaged(what: string, at: number): PeekpackError {
    return new PeekpackError("corrupt", `The table of contents is damaged: ${what}.`, {
      section: "toc",
      offset: this.base + at,
    });
  }

  /** Reads a node of two fields, the first of which is its span. `key`: offset of the second. */
  #branch(start: number, key: number, limit: number): number {
    const { bytes } = this.#walker;
    // Texts of one byte look the same in both codecs but for the first byte, which is that of "p".
    if (bytes[key] !== bytes[start + 1] || bytes[key + 1] !== 0x74) return this.#node(start, limit);
    return this.#children(key + 2, limit);
  }

  #children(start: number, limit: number): number {
    const walker = this.#walker;
    walker.head(start);
    const { kind, value } = walker;
    if (kind !== "null" && ((kind !== "map" && kind !== "array") || value < 0)) {
      throw this.damaged('a "t" is neither a map nor a list of a known length', start);
    }
    return this.#skip(start, limit);
  }

  #skip(start: number, limit: number): number {
    const end = this.#walker.skip(start, limit);
    if (end === MALFORMED) throw this.damaged("it holds bytes that begin no value", start);
    return end;
  }

  /** Reads any node, whatever its fields and their order. */
  #node(start: number, limit: number): number {
    const walker = this.#walker;
    let at = walker.head(start);
    this.valueStart = -1;
    this.valueEnd = -1;
    if (walker.kind === "uint") {
      this.isArchive = true;
      this.valueStart = walker.value;
      this.valueEnd = walker.value;
      return at <= limit ? at : BEYOND;
    }
    if (walker.kind !== "map" || walker.value < 0) {
      throw this.damaged("a node is neither a map nor an offset", start);
    }
    for (let left = walker.value; left > 0; left--) {
      if (at >= limit) return BEYOND;
      const after = walker.head(at);
      const name = walker.isName() ? walker.bytes[after] : 0;
      const value = this.#skip(at, limit);
      if (value === BEYOND) return BEYOND;
      at = name === 0x74 ? this.#children(value, limit) : this.#skip(value, limit);
      if (at === BEYOND) return BEYOND;
      if (name === 0x70) this.#p(value);
    }
    return at;
  }

  /** Reads a "p" that is known to be whole: a span, or blocks. */
  #p(start: number): void {
    const walker = this.#walker;
    let at = walker.head(start);
    const count = walker.value;
    if (walker.kind !== "array" || count < 1) throw this.damaged('a "p" is not a list', start);
    walker.head(at);
    if (walker.kind !== "array") {
      this.span(at, count);
      return;
    }
    for (let left = count; left > 0; left--) at = this.block(at).after;
    // The list's head lies before the first block.
    this.valueStart = -1;
  }
}
