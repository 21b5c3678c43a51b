import { BlockCutter } from "./block-cutter.js";
import type { ResolvedEncodeOptions } from "./options.js";
import type { Packer } from "./packer.js";

/** A container that was encoded into a buffer. Offsets count in that buffer. */
export interface Container {
  readonly isMap: boolean;
  /** Whether every child is trivial. */
  readonly trivial: boolean;
  /** Offsets of its head, of its first child, and of its end. */
  readonly start: number;
  readonly body: number;
  readonly end: number;
  /** What to add to an offset to get a position. */
  readonly shift: number;
  /** Where the nodes of its children begin in the table's buffer. Its own node will be there. */
  readonly node: number;
  /**
   * From `first` up to `last`: for a map the start and the end of each value, for a list the end of each item. The end of a
   * child with a node of its own is negative.
   */
  readonly spans: ArrayLike<number>;
  readonly first: number;
  readonly last: number;
  /** From `firstNode` on: the lengths of those nodes. */
  readonly nodes: ArrayLike<number>;
  readonly firstNode: number;
  /** The bytes that hold the keys, between the values, from `keysAt` on. */
  readonly keys: Uint8Array;
  readonly keysAt: number;
}

/**
 * Builds the table of contents from the leaves up. The nodes of an open container's children are at the end of the buffer, in
 * order. When the container ends they become part of its own node, or are cut off because it is a leaf.
 *
 * The rules for a container of n bytes, head included (T: the threshold):
 *   - n < T ("python") or n ≤ T ("rust"): a leaf;
 *   - else, if a child is not trivial: a node with an entry for every child;
 *   - else, if it is a list and makes two blocks or more: a node of blocks; a block ends with the item that brings it to T
 *     bytes ("python") or beyond ("rust");
 *   - else: a leaf.
 */
export class TocBuilder {
  readonly packer: Packer;
  readonly #python: boolean;
  readonly #threshold: number;

  constructor(packer: Packer, options: ResolvedEncodeOptions) {
    this.packer = packer;
    this.#python = options.profile === "python";
    this.#threshold = options.threshold;
  }

  /** Whether a container of so many bytes is a leaf, whatever it holds. */
  isSmall(size: number): boolean {
    return this.#python ? size < this.#threshold : size <= this.#threshold;
  }

  /** The length in bytes from which on a block is closed. */
  get blockBytes(): number {
    return this.#python ? this.#threshold : this.#threshold + 1;
  }

  /** A cutter for a list whose first item is at `start`. */
  cutter(start: number): BlockCutter {
    return new BlockCutter(this.blockBytes, start);
  }

  /** Appends the node of a container that is not small, unless it is a leaf. */
  close(container: Container): void {
    const { isMap, trivial, spans, first, last, body, shift, node } = container;
    if (!trivial) {
      this.#indexed(container);
      return;
    }
    this.packer.pos = node;
    if (isMap) return;
    const cutter = this.cutter(body);
    for (let at = first; at < last; at++) cutter.item(spans[at]!);
    this.blocks(cutter.finish(), shift);
  }

  /** Appends a node of blocks if there are at least `least`. `blocks`: count, start and end of each. */
  blocks(blocks: readonly number[], shift: number, least = 2): void {
    if (blocks.length < 3 * least) return;
    const { packer } = this;
    packer.map(1);
    packer.string("p");
    packer.array(blocks.length / 3);
    for (let i = 0; i < blocks.length; i += 3) {
      packer.array(3);
      packer.int(blocks[i]!);
      packer.int(blocks[i + 1]! + shift);
      packer.int(blocks[i + 2]! + shift);
    }
  }

  /** Appends the head of a node of `entries` fields, and its "p". A node of one field is then complete: a leaf. */
  span(start: number, end: number, entries: number): void {
    const { packer } = this;
    packer.map(entries);
    packer.string("p");
    packer.array(2);
    packer.int(start);
    packer.int(end);
  }

  /** Appends what comes before the children in the node of a container of `count` children. */
  branch(start: number, end: number, isMap: boolean, count: number): void {
    this.span(start, end, 2);
    this.packer.string("t");
    if (isMap) this.packer.map(count);
    else this.packer.array(count);
  }

  #indexed(container: Container): void {
    const { packer } = this;
    const { start, body, end, shift, node, isMap, spans, first, last, nodes, keys } = container;
    const from = packer.pos;
    this.branch(start + shift, end + shift, isMap, isMap ? (last - first) / 2 : last - first);
    let child = node;
    let offset = body;
    let key = container.keysAt;
    let next = container.firstNode;
    for (let at = first; at < last; at++) {
      if (isMap) {
        const value = spans[at++]!;
        packer.raw(keys.subarray(key, key + value - offset));
        key += value - offset;
        offset = value;
      }
      const span = spans[at]!;
      const after = Math.abs(span);
      if (span >= 0) {
        this.span(offset + shift, after + shift, 1);
      } else {
        const own = nodes[next++]!;
        packer.reserve(own);
        packer.buf.copyWithin(packer.pos, child, child + own);
        packer.pos += own;
        child += own;
      }
      key += after - offset;
      offset = after;
    }
    packer.buf.copyWithin(node, from, packer.pos);
    packer.pos -= from - node;
  }
}
