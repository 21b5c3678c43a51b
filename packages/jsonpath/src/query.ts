import {
  type Archive,
  type LazyList,
  type LazyMap,
  type ReadOptions,
  Sequence,
  type StandardSchema,
  type Value,
} from "@peekpack/core";
import { KeyMismatch, type NodeLocation, ResultBudget, readAhead, validated } from "@peekpack/core/internal";
import { select } from "./evaluate.js";
import { Groups, type Item, keysOf } from "./item.js";
import { load, openArchives, readValue } from "./loading.js";
import { bracket } from "./normalized-path.js";
import { parse } from "./parse.js";
import { Run } from "./run.js";
import type { Query } from "./syntax.js";

/** What can be queried: an archive, or a handle of one. */
export type Queried = Archive | LazyMap | LazyList;

/** Options of {@link query}. */
export interface QueryOptions extends Pick<ReadOptions, "signal" | "priority" | "onRequest"> {
  /** Ends after so many results. Default: all. */
  readonly limit?: number | undefined;
  /** Maximum number of nodes that the whole query visits, its filters included. Default 100 million. */
  readonly maxNodes?: number | undefined;
  /**
   * Maximum number of bytes of values that the whole query reads, its filters included. The table of contents does not
   * count. Default: no limit.
   */
  readonly maxBytes?: number | undefined;
}

/** What a query has found. */
export interface QueryResult<T = Value> {
  /** A normalized path (RFC 9535, section 2.7), from the root or from the handle that was queried. */
  readonly path: string;
  readonly value: T;
}

const MAX_NODES = 100_000_000;

/**
 * Evaluates a JSONPath query (RFC 9535). Only what the query needs is fetched, and the first results come before the walk
 * ends. The order of the results is one that the RFC allows. `$` is the archive's root, or the handle. A key that is not a
 * text has no name in JSONPath and is passed over. Arrays of numpy count as lists.
 *
 * Every loop over the result starts anew. It rejects with what reading rejects with, with `limit` beyond a bound of the
 * options, and with the signal's own reason after an abort.
 *
 * With a `schema`, each value is what the schema's `validate` makes of it. One that does not fit rejects with SchemaError.
 *
 * @throws PeekpackError `bad-path` if the text is not a JSONPath query
 * @throws RangeError if a bound is negative or not an integer
 */
export function query<O>(
  of: Queried,
  text: string,
  options: QueryOptions & { readonly schema: StandardSchema<O> },
): Sequence<QueryResult<O>>;
export function query(
  of: Queried,
  text: string,
  options?: QueryOptions & { readonly schema?: undefined },
): Sequence<QueryResult>;
export function query(
  of: Queried,
  text: string,
  options: QueryOptions & { readonly schema?: StandardSchema | undefined } = {},
): Sequence<QueryResult<unknown>> {
  const { schema } = options;
  return results(of, text, options, async (items, run) => {
    await load(items, run, true);
    const budget = new ResultBudget(run.root.archive.context.limits);
    const values = items.map((item) => {
      const value = item.at.kind === "plain" ? item.at.value : readValue(item, budget, run);
      if (schema === undefined) return value;
      return Promise.resolve(value).then((read) => validated(read, schema, keysOf(item.step)));
    });
    // A promise is no value of an archive.
    const read = values.some((value) => value instanceof Promise) ? await Promise.all(values) : values;
    return items.map((item, i) => ({ path: pathOf(item), value: read[i] }));
  });
}

/** The paths alone of what {@link query} finds. The values are not read, except those that the query looks into. */
export function queryPaths(of: Queried, text: string, options: QueryOptions = {}): Sequence<string> {
  return results(of, text, options, async (items) => items.map(pathOf));
}

function pathOf({ step }: Item): string {
  let path = "";
  for (let at = step; at !== undefined; at = at.parent) path = bracket(at.key) + path;
  return `$${path}`;
}

function results<T>(
  of: Queried,
  text: string,
  options: QueryOptions,
  make: (items: readonly Item[], run: Run) => Promise<T[]>,
): Sequence<T> {
  const parsed = parse(text);
  const limit = bound("limit", options.limit, Number.POSITIVE_INFINITY);
  const bounds = {
    maxNodes: bound("maxNodes", options.maxNodes, MAX_NODES),
    maxBytes: bound("maxBytes", options.maxBytes, Number.POSITIVE_INFINITY),
  };
  const { signal: outer, priority, onRequest } = options;
  return new Sequence(() => {
    const controller = new AbortController();
    const abort = (): void => controller.abort(outer!.reason);
    if (outer?.aborted) abort();
    outer?.addEventListener("abort", abort, { once: true });
    const { signal } = controller;
    const root: NodeLocation = of["~location"]();
    const attempt = (exact: boolean): AsyncGenerator<T[]> => {
      const run = new Run(root, bounds, exact, { signal, priority, onRequest });
      return evaluate(parsed, run, limit, make);
    };
    const inner = limit === 0 ? nothing() : retried(attempt);
    const end = (): void => {
      outer?.removeEventListener("abort", abort);
      // Ends what is read in advance.
      controller.abort(new DOMException("The query has ended.", "AbortError"));
    };
    let left = limit;
    return singly(inner, () => --left <= 0, end);
  });
}

/** Results of groups one by one. */
function singly<T>(
  groups: AsyncGenerator<T[]>,
  isLast: () => boolean,
  end: () => void,
): AsyncIterator<T, undefined> {
  let group: readonly T[] = [];
  let at = 0;
  let ended = false;
  const finish = async (): Promise<IteratorReturnResult<undefined>> => {
    ended = true;
    end();
    await groups.return(undefined);
    return { done: true, value: undefined };
  };
  const next = async (): Promise<IteratorResult<T, undefined>> => {
    if (ended) return finish();
    while (at === group.length) {
      const { value, done } = await groups.next().catch((error: unknown) => {
        end();
        throw error;
      });
      if (done) return finish();
      group = value;
      at = 0;
    }
    const result = group[at++]!;
    if (isLast()) {
      ended = true;
      end();
    }
    return { done: false, value: result };
  };
  // As with a generator, calls of `next` that overlap follow one another.
  let last: Promise<unknown> = Promise.resolve();
  return {
    next() {
      const result = last.then(next);
      last = result.catch(() => {});
      return result;
    },
    return: finish,
  };
}

/** Results, made of nodes group by group, some groups in advance. */
async function* evaluate<T>(
  parsed: Query,
  run: Run,
  limit: number,
  make: (items: readonly Item[], run: Run) => Promise<T[]>,
): AsyncGenerator<T[]> {
  try {
    yield* readAhead(
      groups(select(parsed, [], run), limit),
      async (group) => {
        await openArchives(group, run);
        const [made] = await Promise.all([make(group, run), run.checked()]);
        return [made];
      },
      run.reading.signal,
      Math.min(2, run.depth),
    );
  } catch (error) {
    run.reading.signal?.throwIfAborted();
    // What was read of a wrong node may have failed before the node was found to be wrong.
    await run.checked();
    throw error;
  }
  await run.checked();
}

/**
 * Evaluates once more, without shortcuts in the page index, if a node that was found by the hash of its key has another
 * key. Results that were given already are not given again.
 */
async function* retried<T>(attempt: (exact: boolean) => AsyncGenerator<T[]>): AsyncGenerator<T[]> {
  let given = 0;
  try {
    for await (const group of attempt(false)) {
      given += group.length;
      yield group;
    }
    return;
  } catch (error) {
    if (!(error instanceof KeyMismatch)) throw error;
  }
  for await (const group of attempt(true)) {
    yield group.slice(given);
    given = Math.max(0, given - group.length);
  }
}

async function* nothing(): AsyncGenerator<never> {}

/** Nodes in groups whose values are read at once, at most `limit` in total. */
async function* groups(batches: AsyncIterable<Item[]>, limit: number): AsyncGenerator<Item[]> {
  const sizes = new Groups();
  let left = limit;
  for await (const batch of batches) {
    for (const group of sizes.split(batch.slice(0, left), true)) {
      yield group;
      left -= group.length;
    }
    if (left <= 0) return;
  }
}

function bound(name: string, given: number | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (!(Number.isSafeInteger(given) || given === Number.POSITIVE_INFINITY) || given < 0) {
    throw new RangeError(`${name} is a non-negative integer.`);
  }
  return given;
}
