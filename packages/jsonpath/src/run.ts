import { PeekpackError, type ReadOptions } from "@peekpack/core";
import { loadFeature, type NodeLocation, type TableNode, TimeSlice, verified } from "@peekpack/core/internal";
import type { Matcher } from "./regular-expression.js";

/** Compiled patterns that are kept. A filter may take its pattern from the node that it tests. */
const MAX_MATCHERS = 100;

/** Groups that are read in advance. */
const READ_AHEAD = 3;

/** The bounds of a run. */
export interface Bounds {
  readonly maxNodes: number;
  readonly maxBytes: number;
}

/** One run of a query: what bounds it, and what its filters share. */
export class Run {
  readonly root: NodeLocation;
  /** For every read of the run. */
  readonly reading: ReadOptions;
  /** Whether names are looked up in a page index without shortcuts. */
  readonly exact: boolean;
  /** What is evaluated once, by what it is of: an operand, a query, or a node. */
  readonly constants: WeakMap<object, Promise<unknown>> = new WeakMap();
  readonly #bounds: Bounds;
  readonly #slice: TimeSlice;
  readonly #matchers = new Map<string, Matcher | undefined>();
  readonly #checks = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #nodes = 0;
  #bytes = 0;

  constructor(root: NodeLocation, bounds: Bounds, exact: boolean, reading: ReadOptions) {
    this.root = root;
    this.exact = exact;
    this.reading = reading;
    this.#bounds = bounds;
    this.#slice = new TimeSlice();
  }

  /**
   * Counts nodes that are visited.
   * @throws PeekpackError `limit` for more than `maxNodes` in total
   */
  visit(nodes: number): void {
    this.#nodes += nodes;
    if (this.#nodes > this.#bounds.maxNodes) {
      throw new PeekpackError(
        "limit",
        `The query visits more than ${this.#bounds.maxNodes} nodes (maxNodes).`,
      );
    }
  }

  /**
   * Counts bytes that will be read.
   * @throws PeekpackError `limit` for more than `maxBytes` in total
   */
  take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bounds.maxBytes) {
      throw new PeekpackError(
        "limit",
        `The query reads more than ${this.#bounds.maxBytes} bytes (maxBytes).`,
      );
    }
  }

  /** Whether bytes are bounded: then nothing is read that the query does not need. */
  get boundsBytes(): boolean {
    return this.#bounds.maxBytes < Number.POSITIVE_INFINITY;
  }

  /** How many groups are read in advance. One if bytes are bounded, so that few are counted that are not needed. */
  get depth(): number {
    return this.boundsBytes ? 1 : READ_AHEAD;
  }

  /** Has a large node compared with the table, while the query goes on. */
  check(node: TableNode): void {
    const check = verified(node)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#checks.delete(check));
    this.#checks.add(check);
  }

  /**
   * Waits until all nodes that the query went through so far have been compared with the table.
   * @throws what is wrong with one of them
   */
  async checked(): Promise<void> {
    if (this.#checks.size > 0) await Promise.all(this.#checks);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Called between steps of long work: throws after an abort, and lets timers run. */
  step(): undefined | Promise<void> {
    return this.#slice.next(this.reading.signal);
  }

  /** The matcher of a pattern. Undefined if the pattern is not an I-Regexp. */
  async matcher(pattern: string, whole: boolean): Promise<Matcher | undefined> {
    const name = `${whole}${pattern}`;
    if (this.#matchers.has(name)) return this.#matchers.get(name);
    const { matcherOf } = await loadFeature("regular expressions", () => import("./regular-expression.js"));
    if (this.#matchers.size >= MAX_MATCHERS) this.#matchers.clear();
    const matcher = matcherOf(pattern, whole);
    this.#matchers.set(name, matcher);
    return matcher;
  }
}
