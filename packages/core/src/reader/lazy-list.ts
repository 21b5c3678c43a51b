import type { TocNode } from "../format/toc.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import { ahead } from "./ahead.js";
import type { ArchiveCore } from "./archive-core.js";
import { blockWindows, type Present, presentChildren, readBlocks, windows } from "./children.js";
import type { LazyMap } from "./lazy-map.js";
import { type Branch, childOf, type Location } from "./location.js";
import { materialize } from "./materialize.js";
import type { NumberArrayOf, NumberType } from "./number-array.js";
import { Sequence } from "./sequence.js";
import { blockItems } from "./steps.js";

/** A node that stands for a list. */
export type ListNode = (Branch & { readonly kind: "list" }) | (TocNode & { readonly kind: "blocked" });

/** A list in an archive whose items are read when they are asked for. */
export class LazyList {
  readonly #core: ArchiveCore;
  readonly #node: ListNode;
  readonly #present: Present;

  /** Made by `get`. */
  constructor(core: ArchiveCore, node: ListNode, present: Present) {
    this.#core = core;
    this.#node = node;
    this.#present = present;
  }

  /** How many items there are. */
  get length(): number {
    return this.#node.kind === "blocked" ? this.#node.blocks.length : this.#node.count;
  }

  /**
   * The item at an index, counted from the end when negative, `undefined` when there is none. A handle when it is a
   * container with entries of its own in the table. In a list of blocks the whole block is read.
   */
  async at(index: number, options?: ReadOptions): Promise<LazyMap | LazyList | Value> {
    const whole = Math.trunc(index) || 0;
    const from = whole < 0 ? whole + this.length : whole;
    if (from < 0 || from >= this.length) return undefined;
    const node = this.#node;
    if (node.kind === "blocked") return (await blockItems(this.#core, node, [from], options))[0];
    return this.#present(childOf(this.#core, this.#core.toc.index!.item(node, from)), options);
  }

  /** Some items, as `Array.prototype.slice` selects them, read at once. */
  async slice(start?: number, end?: number, options?: ReadOptions): Promise<(LazyMap | LazyList | Value)[]> {
    const { length } = this;
    const place = (given: number | undefined, otherwise: number): number => {
      const whole = given === undefined ? otherwise : Math.trunc(given) || 0;
      return whole < 0 ? Math.max(whole + length, 0) : Math.min(whole, length);
    };
    const first = place(start, 0);
    const wanted = Array.from({ length: Math.max(0, place(end, length) - first) }, (_, i) => first + i);
    const node = this.#node;
    const core = this.#core;
    if (node.kind === "blocked") return blockItems(core, node, wanted, options);
    const children = core.toc.children(node);
    const nodes = wanted.map((index) => core.toc.node(children.at(index)));
    return presentChildren(core, nodes, this.#present, options);
  }

  /** The items in order: fetched ahead, many at once. Every loop is its own. */
  values(options?: ReadOptions): Sequence<LazyMap | LazyList | Value> {
    const core = this.#core;
    const node = this.#node;
    return new Sequence<LazyMap | LazyList | Value>(() =>
      node.kind === "blocked"
        ? ahead(blockWindows(core, node), ([first, last]) => readBlocks(core, node, first, last, options))
        : ahead(windows(core, node), (window) => {
            const nodes = window.map((child) => child.node);
            return presentChildren(core, nodes, this.#present, options);
          }),
    );
  }

  /** Indices with items, in order: fetched ahead, many at once. */
  entries(options?: ReadOptions): Sequence<[number, LazyMap | LazyList | Value]> {
    const values = this.values(options);
    return new Sequence(async function* () {
      let index = 0;
      for await (const value of values) yield [index++, value] as [number, LazyMap | LazyList | Value];
    });
  }

  /** The items in order, as `values()`. */
  [Symbol.asyncIterator](): AsyncIterator<LazyMap | LazyList | Value> {
    return this.values()[Symbol.asyncIterator]();
  }

  /** Everything below as plain data. */
  async toValue(options?: ReadOptions): Promise<Value[]> {
    return (await materialize(this["~location"](), options)) as Value[];
  }

  /**
   * The numbers of a list as a typed array, made straight from their bytes.
   * @throws PeekpackError `unsupported-value` when an item is no number, or one that the type does not hold exactly
   *   ("float32" and "float64" take every number and round it).
   * @throws TypeError for a type that is none.
   */
  async toTypedArray<T extends NumberType>(type: T, options?: ReadOptions): Promise<NumberArrayOf<T>> {
    const { readColumn } = await this.#core.complete();
    return readColumn(this.#core, this.#node, type, () => this.values(options), options);
  }

  /** For the writer, which repacks handles. */
  "~location"(): Location & { readonly kind: "node" } {
    return { kind: "node", core: this.#core, node: this.#node };
  }
}
