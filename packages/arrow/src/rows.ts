import {
  Archive,
  LazyList,
  LazyMap,
  NdArray,
  type Path,
  PeekpackError,
  type ReadOptions,
  Sequence,
  toPointer,
  type Value,
} from "@peekpack/core";
import { outlineOf } from "@peekpack/core/inspect";
import { readAhead } from "@peekpack/core/internal";
import { membersOf } from "./kind.js";

/** What can become a table: what an archive holds at a path, a handle, or rows in any order of arrival. */
export type TableSource = Archive | LazyMap | LazyList | NdArray | Iterable<Value> | AsyncIterable<Value>;

/** A row, and its key if it was in a map. */
export interface Row {
  readonly key: string | undefined;
  readonly value: Value;
}

/** Rows that are read at once: by count, and by bytes. */
const GROUP_COUNT = 1024;
const GROUP_BYTES = 4 * 1024 * 1024;
/** What a container counts whose size the table does not say. */
const UNKNOWN_BYTES = 1024 * 1024;

/** Rows of a source, some at a time. Groups are read one in advance. */
export async function* rowGroups(
  source: TableSource,
  path: Path | undefined,
  columns: readonly string[] | undefined,
  options: ReadOptions,
): AsyncGenerator<Row[]> {
  const of = source instanceof Archive ? await source.get(path, options) : source;
  if (of instanceof LazyMap || of instanceof LazyList) {
    yield* readAhead(
      handleGroups(of, columns, options),
      async (group, signal) => [
        await Promise.all(
          group.map(async ([key, lazy]) => ({
            key: typeof key === "number" && of instanceof LazyList ? undefined : keyText(key),
            value: await rowValue(lazy, columns, { ...options, signal }),
          })),
        ),
      ],
      options.signal,
    );
    return;
  }
  let group: Row[] = [];
  for await (const row of plainRows(of as Value | AsyncIterable<Value>)) {
    options.signal?.throwIfAborted();
    if (group.push(row) < GROUP_COUNT) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

async function* plainRows(of: Value | AsyncIterable<Value>): AsyncGenerator<Row> {
  if (of instanceof NdArray) {
    const [length = 0, ...inner] = of.shape;
    if (of.shape.length === 0) throw notRows(of as Value);
    const size = inner.reduce((product, dimension) => product * dimension, 1);
    for (let i = 0; i < length; i++) {
      const data = of.data.subarray(i * size, (i + 1) * size);
      const row = new NdArray(data as typeof of.data, inner, of.dtype);
      yield { key: undefined, value: row };
    }
  } else if (of !== null && typeof of === "object" && Symbol.asyncIterator in of) {
    for await (const value of of) yield { key: undefined, value };
  } else {
    const members = membersOf(of);
    if (members !== undefined) for (const [key, value] of members) yield { key, value };
    else if (of instanceof Map) for (const [key, value] of of) yield { key: keyText(key), value };
    else if (of !== null && typeof of === "object" && Symbol.iterator in of && !(of instanceof Uint8Array)) {
      for (const value of of as Iterable<Value>) yield { key: undefined, value };
    } else throw notRows(of as Value);
  }
}

function notRows(value: Value): PeekpackError {
  const what = value === null ? "null" : typeof value === "object" ? "a single value" : `a ${typeof value}`;
  return new PeekpackError(
    "unsupported-value",
    `A table is made of a list, a map or an array, not of ${what}.`,
  );
}

/** Entries of a handle in groups that are read at once. */
async function* handleGroups(
  of: LazyMap | LazyList,
  columns: readonly string[] | undefined,
  options: ReadOptions,
): AsyncGenerator<[Value, LazyMap | LazyList | Value][]> {
  let group: [Value, LazyMap | LazyList | Value][] = [];
  let bytes = 0;
  for await (const [key, lazy] of of.entries(options)) {
    group.push([key, lazy]);
    if ((lazy instanceof LazyMap || lazy instanceof LazyList) && columns === undefined) {
      const { range } = outlineOf(lazy);
      bytes += range === undefined ? UNKNOWN_BYTES : range.end - range.start;
    }
    if (group.length < GROUP_COUNT && bytes < GROUP_BYTES) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}

/** A row with the columns that are wanted. Of a record with entries in the table, only these are read. */
async function rowValue(
  lazy: LazyMap | LazyList | Value,
  columns: readonly string[] | undefined,
  options: ReadOptions,
): Promise<Value> {
  if (lazy instanceof LazyMap && columns !== undefined) {
    const row = new Map<Value, Value>();
    const read = await Promise.all(
      columns.map(async (name) => {
        if (!(await lazy.has(name, options))) return undefined;
        const value = await lazy.get(name, options);
        return value instanceof LazyMap || value instanceof LazyList ? value.toValue(options) : value;
      }),
    );
    for (const [i, name] of columns.entries()) if (read[i] !== undefined) row.set(name, read[i]);
    return row;
  }
  return lazy instanceof LazyMap || lazy instanceof LazyList ? lazy.toValue(options) : lazy;
}

/** A key as a text. */
function keyText(key: Value): string {
  return typeof key === "string" ? key : key instanceof Uint8Array ? [...key].join(",") : String(key);
}

/**
 * The rows of a source one by one, as they are read: planned, in groups, one group in advance.
 * @param path where the rows are in an archive. Default: its root
 */
export function tableRows(source: TableSource, path?: Path, options: ReadOptions = {}): Sequence<Row> {
  return new Sequence(async function* () {
    for await (const group of rowGroups(source, path, undefined, options)) yield* group;
  });
}

/** What `select` and `query` give. */
interface Found {
  readonly path: string | readonly (string | number | bigint | boolean | null | Uint8Array)[];
  readonly value: Value;
}

/**
 * The values that `select` or `query` have found, as rows of a table.
 * @param pathColumn name of a column for their paths: those of `query` as they are, those of `select` as JSON Pointers.
 *   Default: no such column
 */
export async function* rowsOf(results: AsyncIterable<Found>, pathColumn?: string): AsyncGenerator<Value> {
  for await (const { path, value } of results) {
    if (pathColumn === undefined) yield value;
    else {
      const members = membersOf(value) ?? new Map([["value", value]]);
      const text = typeof path === "string" ? path : toPointer(path);
      if (members.has(pathColumn)) {
        throw new PeekpackError(
          "duplicate-name",
          `A row has a member ${JSON.stringify(pathColumn)} already.`,
        );
      }
      yield new Map<Value, Value>([[pathColumn, text], ...members]);
    }
  }
}
