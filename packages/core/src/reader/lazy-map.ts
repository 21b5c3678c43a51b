import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import { ahead } from "./ahead.js";
import type { ArchiveCore } from "./archive-core.js";
import { type Present, presentChildren, windows } from "./children.js";
import type { LazyList } from "./lazy-list.js";
import { type Branch, childOf, keyAt, type Location } from "./location.js";
import { materialize } from "./materialize.js";
import type { PathKey } from "./path.js";
import { Sequence } from "./sequence.js";
import { findChild } from "./steps.js";

/** A map in an archive whose values are read when they are asked for. Its keys are known from the table of contents. */
export class LazyMap {
  readonly #core: ArchiveCore;
  readonly #node: Branch;
  readonly #present: Present;

  /** Made by `get`. */
  constructor(core: ArchiveCore, node: Branch, present: Present) {
    this.#core = core;
    this.#node = node;
    this.#present = present;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#core.toc.size(this.#node);
  }

  /** Whether a key is there. Costs no request. */
  has(key: PathKey): boolean {
    return findChild(this.#core, this.#node, key) !== undefined;
  }

  /** The value under a key: a handle when it is a container with entries of its own in the table. `undefined` when there is no such key. */
  async get(key: PathKey, options?: ReadOptions): Promise<LazyMap | LazyList | Value> {
    const child = findChild(this.#core, this.#node, key);
    return child === undefined ? undefined : this.#present(childOf(this.#core, child), options);
  }

  /** The keys, in the archive's order. Costs no request. */
  keys(): Value[] {
    const { keys } = this.#core.toc.children(this.#node);
    return Array.from(keys!, (place) => keyAt(this.#core, place));
  }

  /** The values, in the archive's order: fetched ahead, many at once. */
  values(options?: ReadOptions): Sequence<LazyMap | LazyList | Value> {
    return this.#walk((_, value) => value, options);
  }

  /** Keys with values, in the archive's order: fetched ahead, many at once. */
  entries(options?: ReadOptions): Sequence<[Value, LazyMap | LazyList | Value]> {
    return this.#walk((key, value) => [key, value], options);
  }

  #walk<T>(
    make: (key: Value, value: LazyMap | LazyList | Value) => T,
    options: ReadOptions | undefined,
  ): Sequence<T> {
    const core = this.#core;
    const node = this.#node;
    return new Sequence(() =>
      ahead(windows(core, node), async (window) => {
        const nodes = window.map((child) => child.node);
        const values = await presentChildren(core, nodes, this.#present, options);
        return values.map((value, i) => make(keyAt(core, window[i]!.key), value));
      }),
    );
  }

  /** Keys with values, as `entries()`. */
  [Symbol.asyncIterator](): AsyncIterator<[Value, LazyMap | LazyList | Value]> {
    return this.entries()[Symbol.asyncIterator]();
  }

  /** Everything below as plain data. */
  toValue(options?: ReadOptions): Promise<Value> {
    return materialize(this["~location"](), options);
  }

  /** For the writer, which repacks handles. */
  "~location"(): Location & { readonly kind: "node" } {
    return { kind: "node", core: this.#core, node: this.#node };
  }
}
