import type { BlockList, Branch, TableNode } from "../format/table-view.js";
import { loadFeature } from "../load-feature.js";
import type { NumberType } from "../number-arrays.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveReader } from "./archive-reader.js";
import { blockItems, readBlocks } from "./blocks.js";
import { blockWindows, entryWindows, type KeysOptions, keyRange } from "./entries.js";
import { nodeOf } from "./entry.js";
import { follow, type Location, type NodeLocation, rootOf } from "./lookup.js";
import { materialize } from "./materialize.js";
import type { NumberArrayOf } from "./number-array.js";
import type { PathKey } from "./path.js";
import { readAhead } from "./read-ahead.js";
import type { ResultBudget } from "./result-budget.js";
import { Sequence } from "./sequence.js";
import { WalkedData } from "./walked-data.js";

/** A handle for a container that has entries of its own in the table, else the value itself. */
export type Lazy = LazyMap | LazyList | Value;

/** A node of a list. */
type ListNode = Branch | BlockList;

/** The public value of a location. */
export async function handleOf(at: Location, budget: ResultBudget, options?: ReadOptions): Promise<Lazy> {
  if (at.kind === "plain") return at.value;
  if (at.kind === "many")
    return Promise.all(at.items.map((item) => handleOf(item, budget, options))) as Promise<Value>;
  const { archive, node } = at;
  switch (node.kind) {
    case "value":
      budget.takeData(archive, node.span.end - node.span.start);
      return archive.value(node.span, options, budget);
    case "archive": {
      const child = await archive.child(node, options);
      budget.walked.take(archive, child.size);
      return handleOf(rootOf(child), budget, options);
    }
    case "map":
      return new LazyMap(archive, node);
    case "list":
    case "blocked":
      return new LazyList(archive, node);
  }
}

/** The public values of some nodes. Values are read with one call to the source. */
async function handlesOf(
  archive: ArchiveReader,
  nodes: readonly TableNode[],
  budget: ResultBudget,
  options?: ReadOptions,
): Promise<Lazy[]> {
  const spans = nodes.flatMap((child) => (child.kind === "value" ? [child.span] : []));
  for (const { start, end } of spans) budget.takeData(archive, end - start);
  const values = archive
    .read(spans, options)
    .then((read) =>
      Promise.all(
        read.map(
          async (bytes, i) => (await archive.decode(bytes, 1, spans[i]!.start, budget, options))[0] as Value,
        ),
      ),
    );
  // The handles are awaited first. A failure of the values meanwhile is not unhandled.
  values.catch(() => {});
  const handles = await Promise.all(
    nodes.map((node) =>
      node.kind === "value" ? undefined : handleOf({ kind: "node", archive, node }, budget, options),
    ),
  );
  const read = await values;
  let next = 0;
  return nodes.map((child, i) => (child.kind === "value" ? read[next++] : handles[i]));
}

/** A map in an archive. Its keys are known from the table of contents; its values are read when they are asked for. */
export class LazyMap {
  readonly kind = "map" as const;
  readonly #archive: ArchiveReader;
  readonly #node: Branch;

  /** Made by `get`. */
  constructor(archive: ArchiveReader, node: Branch) {
    this.#archive = archive;
    this.#node = node;
  }

  /** How many entries there are. Duplicate keys count once. */
  get size(): number {
    return this.#archive.table.size(this.#node);
  }

  /** Whether a key is there. Makes no request, unless the table has a page index. */
  async has(key: PathKey, options?: ReadOptions): Promise<boolean> {
    return (await this.#archive.table.find(this.#node, key, options, true)) !== undefined;
  }

  /**
   * The value under a key: a handle if it is a container with entries of its own in the table.
   * @throws PeekpackError `not-found` if there is no such key
   */
  async get(key: PathKey, options?: ReadOptions): Promise<Lazy> {
    return handleOf(await follow(this["~location"](), [key], options), this.#archive.budget(), options);
  }

  /**
   * The keys, in the archive's order. Makes no request, unless the table has a page index.
   * @throws RangeError if `start` or `limit` is negative or not an integer
   */
  keys(options?: KeysOptions): Sequence<Value> {
    const { table } = this.#archive;
    const node = this.#node;
    return new Sequence<Value>(async function* () {
      for await (const window of table.walk(node, keyRange(options), options))
        for (const entry of window) yield table.key(entry);
    });
  }

  /** The values, in the archive's order. They are prefetched, many at once. */
  values(options?: ReadOptions): Sequence<Lazy> {
    return this.#walk((_, value) => value, options);
  }

  /** Keys with values, in the archive's order. They are prefetched, many at once. */
  entries(options?: ReadOptions): Sequence<[Value, Lazy]> {
    return this.#walk((key, value) => [key, value], options);
  }

  /** Keys with values, as `entries()`. */
  [Symbol.asyncIterator](): AsyncIterator<[Value, Lazy]> {
    return this.entries()[Symbol.asyncIterator]();
  }

  /** Everything below, as plain data. */
  toValue(options?: ReadOptions): Promise<Value> {
    return materialize(this["~location"](), this.#archive.budget(), options);
  }

  /** For the packages of peekpack: the node of the handle. */
  "~location"(): NodeLocation {
    return { kind: "node", archive: this.#archive, node: this.#node };
  }

  #walk<T>(make: (key: Value, value: Lazy) => T, options: ReadOptions | undefined): Sequence<T> {
    const archive = this.#archive;
    const node = this.#node;
    return new Sequence(() => {
      const walked = new WalkedData();
      return readAhead(
        entryWindows(archive, node, {}, options),
        async (window, signal) => {
          const budget = archive.budget(walked);
          const values = await handlesOf(archive, window.map(nodeOf), budget, { ...options, signal });
          return values.map((value, i) => make(archive.table.key(window[i]!), value));
        },
        options?.signal,
      );
    });
  }
}

/** A list in an archive. Its items are read when they are asked for. */
export class LazyList {
  readonly kind = "list" as const;
  readonly #archive: ArchiveReader;
  readonly #node: ListNode;

  /** Made by `get`. */
  constructor(archive: ArchiveReader, node: ListNode) {
    this.#archive = archive;
    this.#node = node;
  }

  /** How many items there are. */
  get length(): number {
    return this.#node.kind === "blocked" ? this.#node.length : this.#node.count;
  }

  /**
   * The item at an index, counted from the end if negative. `undefined` if there is none, as `Array.prototype.at`. A
   * handle if it is a container with entries of its own in the table. In a list of blocks the whole block is read.
   */
  async at(index: number, options?: ReadOptions): Promise<Lazy> {
    const whole = Math.trunc(index) || 0;
    const from = whole < 0 ? whole + this.length : whole;
    if (from < 0 || from >= this.length) return undefined;
    return handleOf(await follow(this["~location"](), [from], options), this.#archive.budget(), options);
  }

  /** Some items, selected as by `Array.prototype.slice`, and read at once. */
  async slice(start?: number, end?: number, options?: ReadOptions): Promise<Lazy[]> {
    const { length } = this;
    const clip = (given: number | undefined, otherwise: number): number => {
      const whole = given === undefined ? otherwise : Math.trunc(given) || 0;
      return whole < 0 ? Math.max(whole + length, 0) : Math.min(whole, length);
    };
    const first = clip(start, 0);
    const indices = Array.from({ length: Math.max(0, clip(end, length) - first) }, (_, i) => first + i);
    const node = this.#node;
    const archive = this.#archive;
    const budget = archive.budget();
    if (node.kind === "blocked") return blockItems(archive, node, indices, options, budget);
    return handlesOf(archive, await archive.table.items(node, indices, options), budget, options);
  }

  /** The items in order. They are prefetched, many at once. */
  values(options?: ReadOptions): Sequence<Lazy> {
    const archive = this.#archive;
    const node = this.#node;
    return new Sequence<Lazy>(() => {
      const walked = new WalkedData();
      const budget = (): ResultBudget => archive.budget(walked);
      return node.kind === "blocked"
        ? readAhead(
            blockWindows(archive, node, options),
            (window, signal) => readBlocks(archive, window, budget(), { ...options, signal }),
            options?.signal,
          )
        : readAhead(
            entryWindows(archive, node, {}, options),
            (window, signal) => handlesOf(archive, window.map(nodeOf), budget(), { ...options, signal }),
            options?.signal,
          );
    });
  }

  /** Indices with items, in order. They are prefetched, many at once. */
  entries(options?: ReadOptions): Sequence<[number, Lazy]> {
    const values = this.values(options);
    return new Sequence(async function* () {
      let index = 0;
      for await (const value of values) yield [index++, value] as [number, Lazy];
    });
  }

  /** The items in order, as `values()`. */
  [Symbol.asyncIterator](): AsyncIterator<Lazy> {
    return this.values()[Symbol.asyncIterator]();
  }

  /** Everything below, as plain data. */
  async toValue(options?: ReadOptions): Promise<Value[]> {
    const budget = this.#archive.budget();
    return (await materialize(this["~location"](), budget, options)) as Value[];
  }

  /**
   * The numbers of the list as a typed array, made straight from their bytes.
   * @throws PeekpackError `unsupported-value` if an item is not a number, or one that the type does not hold exactly
   *   ("float32" and "float64" take every number and round it); `limit` for more than `maxItems`
   * @throws TypeError for an unknown type
   */
  async toTypedArray<T extends NumberType>(type: T, options?: ReadOptions): Promise<NumberArrayOf<T>> {
    const { readColumn } = await loadFeature("typed arrays", () => import("./number-column.js"));
    return readColumn(this.#archive, this.#node, type, options);
  }

  /** For the packages of peekpack: the node of the handle. */
  "~location"(): NodeLocation {
    return { kind: "node", archive: this.#archive, node: this.#node };
  }
}
