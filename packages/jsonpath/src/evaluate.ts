import { readAhead } from "@peekpack/core/internal";
import { child, children, isSingular, sliced } from "./children.js";
import { descendants } from "./descendants.js";
import { MAX_ROW } from "./encoded.js";
import { testAll } from "./filter.js";
import { estimatedBytes, Groups, type Item } from "./item.js";
import { entryOf, fetchValues, load, readSmall, smallBytes } from "./loading.js";
import type { Run } from "./run.js";
import type { Filter, Query, Segment, Selector, SingularSelector } from "./syntax.js";

/** Children that are looked up at once. */
const MAX_LOOKUPS = 16_384;

/** Values that are filtered at once. Larger groups save no requests, and keep the values for longer. */
const MAX_KNOWN = 1024;

/** Children that are filtered at once, and the filter that each must pass. */
interface Candidates {
  readonly items: Item[];
  readonly filters: (Filter | undefined)[];
}

/** Some nodes at a time. */
type Pieces = Iterable<Item[]> | AsyncIterable<Item[]>;

/**
 * The nodes that a query selects, some at a time. Each segment is evaluated for a group of nodes at once, and groups follow
 * one another: results come before the walk ends, in an order that RFC 9535 allows.
 * @param from what a relative query starts from
 */
export function select(query: Query, from: readonly Item[], run: Run): AsyncIterable<Item[]> {
  let nodes: AsyncIterable<Item[]> = start(query.absolute ? [{ at: run.root }] : from);
  for (const segment of query.segments) nodes = follow(nodes, segment, run);
  return nodes;
}

async function* start(from: readonly Pick<Item, "at">[]): AsyncGenerator<Item[]> {
  if (from.length > 0) yield from.map(({ at }, origin) => ({ at, step: undefined, origin }));
}

function follow(
  input: AsyncIterable<Item[]>,
  { descendant, selectors }: Segment,
  run: Run,
): AsyncIterable<Item[]> {
  const nodes = descendant ? descendants(input, run) : input;
  if (selectors.every(isSingular)) return named(nodes, selectors, run);
  const groups = candidates(nodes, selectors, run);
  // While one group of candidates is in use, what the filter of the next ones needs is fetched.
  // Its reads have the signal of the run: no listener for each segment.
  return flat(readAhead(groups, async (group) => [await passing(group, run)], undefined, run.depth));
}

async function* flat(groups: AsyncIterable<Pieces>): AsyncGenerator<Item[]> {
  for await (const pieces of groups) yield* pieces;
}

/** The children under names and indices. All of a group are looked up at once. */
function named(
  input: AsyncIterable<Item[]>,
  selectors: readonly SingularSelector[],
  run: Run,
): AsyncIterable<Item[]> {
  const maxCount = Math.max(1, Math.floor(MAX_LOOKUPS / selectors.length));
  // Names are found in values that are not decoded.
  const read = selectors.every(({ kind }) => kind === "name") ? fetchValues : load;
  return readAhead(
    grouped(input, maxCount),
    async (group) => {
      await read(group, run);
      await run.step();
      const found: (Item | undefined | Promise<Item | undefined>)[] = [];
      for (const item of group) {
        for (const selector of selectors) {
          const below = child(item, selector, run);
          // A bound may end the query between two lookups: then nobody waits for the first.
          if (below instanceof Promise) below.catch(() => {});
          found.push(below);
        }
      }
      // In most groups nothing must be fetched. Promises for each would take longer than the lookups.
      const ready = found.some((item) => item instanceof Promise) ? await Promise.all(found) : found;
      return [(ready as (Item | undefined)[]).filter((item) => item !== undefined)];
    },
    undefined,
    Math.min(2, run.depth),
  );
}

async function* grouped(input: AsyncIterable<Item[]>, maxCount: number): AsyncGenerator<Item[]> {
  const groups = new Groups();
  for await (const batch of input) yield* groups.split(batch, false, maxCount);
}

/** The children that selectors may select, in groups that are filtered at once. */
async function* candidates(
  input: AsyncIterable<Item[]>,
  selectors: readonly Selector[],
  run: Run,
): AsyncGenerator<Candidates> {
  const inputs = new Groups();
  const outputs = new Groups();
  for await (const batch of input) {
    for (const group of inputs.split(batch, false)) {
      await load(group, run, true);
      let out: Candidates = { items: [], filters: [] };
      let bytes = 0;
      let nodes = 0;
      const taken = (): Candidates => {
        const full = out;
        out = { items: [], filters: [] };
        bytes = 0;
        nodes = 0;
        return full;
      };
      for (const item of group) {
        for (const selector of selectors) {
          const filter = selector.kind === "filter" ? selector.filter : undefined;
          for await (const window of selected(item, selector, run)) {
            for (const below of window) {
              const count = out.items.push(below);
              out.filters.push(filter);
              if (filter?.readsMembers) bytes += smallBytes(below);
              else if (filter?.readsNode) bytes += estimatedBytes(below, false);
              if (below.at.kind === "node") nodes++;
              const known = nodes === 0 && count >= MAX_KNOWN;
              if (!known && !outputs.isFull(count, bytes)) continue;
              yield taken();
              if (!known) outputs.grow();
            }
            // The first results do not wait for more pages of the table.
            if (outputs.isNew && out.items.length > 0) {
              yield taken();
              outputs.grow();
            }
          }
        }
      }
      if (out.items.length > 0) yield out;
    }
  }
}

/** What a selector selects of an item, without its filter. */
async function* selected(item: Item, selector: Selector, run: Run): AsyncGenerator<Item[]> {
  if (isSingular(selector)) {
    const only = await child(item, selector, run);
    if (only !== undefined) yield [only];
  } else if (selector.kind === "slice") yield* sliced(item, selector, run);
  else yield* children(item, run);
}

/** The candidates that pass their filters, in order. All that is fetched for them is fetched at once. */
async function passing(group: Candidates, run: Run): Promise<Pieces> {
  const { items, filters } = group;
  const [filter] = filters;
  if (filter?.readsMembers && filters.every((other) => other === filter)) {
    await readSmall(items, run);
    if (items.every(({ at }) => at.kind !== "node")) return tested(items, filter, run);
  }
  return [await filtered(group, run)];
}

/** The nodes that pass a filter, some at a time: most values are gone before the next are decoded. All were read. */
async function* tested(items: Item[], filter: Filter, run: Run): AsyncGenerator<Item[]> {
  while (items.length > 0) {
    const some = items.splice(0, MAX_ROW);
    const verdicts = await verdictsOf(filter, some, run);
    yield some.filter((_, i) => verdicts[i]);
  }
}

async function filtered({ items, filters }: Candidates, run: Run): Promise<Item[]> {
  const byFilter = new Map<Filter, number[]>();
  for (const [i, filter] of filters.entries()) {
    if (filter !== undefined) entryOf(byFilter, filter).push(i);
  }
  const passed = filters.map((filter) => filter === undefined);
  for (const [filter, indices] of byFilter) {
    const some = indices.map((i) => items[i]!);
    if (filter.readsMembers) await readSmall(some, run);
    const verdicts = await verdictsOf(filter, some, run);
    for (const [k, i] of indices.entries()) passed[i] = verdicts[k]!;
  }
  return items.filter((_, i) => passed[i]);
}

/** Whether each of some nodes passes a filter. Values that the filter looks into are read, all at once. */
async function verdictsOf(filter: Filter, items: readonly Item[], run: Run): Promise<boolean[]> {
  if (filter.readsNode) await (filter.followsNames ? fetchValues : load)(items, run);
  return testAll(filter.test, items, run, select);
}
