import { type Path, PeekpackError, type ReadOptions, Sequence, type Value } from "@peekpack/core";
import { Column, columnFromArray, type DataType, type Table, tableFromColumns } from "@uwdata/flechette";
import { arrowType, fitted, Misfit } from "./convert.js";
import { type Kind, kindOf, membersOf, merged, settled } from "./kind.js";
import { type Row, rowGroups, type TableSource } from "./rows.js";

/** The names of column types. `json` is JSON text, which holds values of different types. */
export const COLUMN_TYPES = [
  "bool",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "float32",
  "float64",
  "utf8",
  "binary",
  "timestamp",
  "json",
] as const;

/** The name of a column's type. */
export type ColumnType = (typeof COLUMN_TYPES)[number];

/** Options of {@link recordBatches}. */
export interface TableOptions extends Pick<ReadOptions, "signal" | "priority" | "onRequest"> {
  /** Where the rows are in an archive. Default: its root. */
  readonly path?: Path | undefined;
  /** The members of each record that become columns. Only these are read, where the table allows it. Default: all. */
  readonly columns?: readonly string[] | undefined;
  /** Types of columns, also of those that only later rows have. Default: what holds all values of the first batch. */
  readonly types?: { readonly [column: string]: ColumnType } | undefined;
  /** Maximum number of rows in a batch. Default 16,384. */
  readonly batchRows?: number | undefined;
  /** Name of the column with the keys of a map. `false`: no such column. Default "key". */
  readonly key?: string | false | undefined;
}

const BATCH_ROWS = 16_384;
/** The column of rows that are not records. */
const VALUE = "value";

/**
 * The rows of a source as Arrow tables of one record batch each, all with the same columns. A row that is a record has a
 * column for each member; any other row is the only column, `value`. Rows are read some at a time, in few requests, so that
 * memory stays at about one batch.
 *
 * Numbers are float64 and integers beyond ±(2^53 − 1) are int64 or uint64. Texts are utf8, byte strings binary, dates
 * timestamps in milliseconds, lists and arrays of numpy lists, records structs. Columns whose values have different types in
 * the first batch, or are all null there, hold JSON text. Every column may have nulls. The first batch decides about columns
 * and types.
 *
 * Every loop starts anew. It rejects with what reading rejects with, and with `unsupported-value` if a later value does not
 * fit its column, a later row has a new member, or the source is not a list, a map or an array.
 */
export function recordBatches(source: TableSource, options: TableOptions = {}): Sequence<Table> {
  const { batchRows = BATCH_ROWS } = options;
  if (!Number.isSafeInteger(batchRows) || batchRows < 1) {
    throw new RangeError("batchRows must be a positive integer.");
  }
  return new Sequence(() => batches(source, options, batchRows));
}

/** The rows of a source as one Arrow table. All of it is in memory. */
export async function toTable(source: TableSource, options?: TableOptions): Promise<Table> {
  const tables = await recordBatches(source, options).toArray();
  const names = tables[0]!.names;
  return tableFromColumns(
    names.map((name, i): [string, Column<unknown>] => {
      const parts = tables.map((table) => table.getChildAt(i));
      return [
        String(name),
        new Column(
          parts.flatMap(({ data }) => data),
          parts[0]!.type,
        ),
      ];
    }),
  );
}

async function* batches(
  source: TableSource,
  options: TableOptions,
  batchRows: number,
): AsyncGenerator<Table, undefined> {
  const { path, columns, signal, priority, onRequest } = options;
  let layout: Layout | undefined;
  let rows: Row[] = [];
  let done = 0;
  const batch = (): Table => {
    layout ??= new Layout(rows, options);
    const table = layout.table(rows, done);
    done += rows.length;
    rows = [];
    return table;
  };
  for await (const group of rowGroups(source, path, columns, { signal, priority, onRequest })) {
    for (const row of group) {
      if (rows.push(row) >= batchRows) yield batch();
    }
  }
  if (rows.length > 0 || done === 0) yield batch();
  return undefined;
}

/** The columns of a table. */
class Layout {
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #types: ReadonlyMap<string, DataType>;
  /** Whether rows are records. */
  readonly #isRecords: boolean;
  readonly #key: string | undefined;
  readonly #selected: ReadonlySet<string> | undefined;

  constructor(rows: readonly Row[], { columns, types = {}, key = "key" }: TableOptions) {
    this.#selected = columns && new Set(columns);
    this.#isRecords =
      columns !== undefined ||
      (rows.every(({ value }) => membersOf(value) !== undefined) &&
        rows.some(({ value }) => membersOf(value)!.size > 0));
    const kinds = new Map<string, Kind>();
    this.#key = key !== false && rows.some((row) => row.key !== undefined) ? key : undefined;
    if (this.#key !== undefined) kinds.set(this.#key, { tag: "text" });
    for (const name of columns ?? []) kinds.set(name, { tag: "null" });
    for (const { value } of rows) {
      for (const [name, inner] of this.#members(value)) {
        if (name === this.#key) throw this.#keyTaken(name);
        kinds.set(name, merged(kinds.get(name) ?? { tag: "null" }, kindOf(inner)));
      }
    }
    if (!this.#isRecords && !kinds.has(VALUE)) kinds.set(VALUE, { tag: "null" });
    for (const [name, type] of Object.entries(types)) {
      if (this.#selected === undefined || this.#selected.has(name)) kinds.set(name, kindNamed(type));
    }
    this.#kinds = new Map(Array.from(kinds, ([name, kind]) => [name, settled(kind)]));
    this.#types = new Map(Array.from(this.#kinds, ([name, kind]) => [name, arrowType(kind)]));
  }

  /** A table of some rows. @param before number of rows before them, for errors */
  table(rows: readonly Row[], before: number): Table {
    const values = new Map<string, unknown[]>();
    for (const name of this.#kinds.keys()) values.set(name, new Array(rows.length).fill(null));
    for (const [i, { key, value }] of rows.entries()) {
      if (this.#key !== undefined) values.get(this.#key)![i] = key ?? null;
      for (const [name, inner] of this.#members(value, before + i)) {
        const kind = this.#kinds.get(name);
        const where = `Row ${before + i}, column ${JSON.stringify(name)}`;
        if (kind === undefined || name === this.#key) {
          throw name === this.#key
            ? this.#keyTaken(name)
            : unfit(
                `${where}: the first rows do not have this member. Set its type by \`types\`, or name the \`columns\`.`,
              );
        }
        try {
          values.get(name)![i] = fitted(inner, kind);
        } catch (error) {
          if (!(error instanceof Misfit)) throw error;
          throw unfit(`${where}: ${error.message}. Set its type by \`types\`; "json" holds every value.`);
        }
      }
    }
    return tableFromColumns(
      Array.from(values, ([name, column]): [string, Column<unknown>] => [
        name,
        columnFromArray(column, this.#types.get(name)!, { useBigInt: true, useDate: true }),
      ]),
    );
  }

  *#members(value: Value, row = 0): Iterable<[string, Value]> {
    if (!this.#isRecords) {
      yield [VALUE, value];
      return;
    }
    const members = membersOf(value);
    if (members === undefined) throw unfit(`Row ${row} is not a record with texts as keys.`);
    for (const [name, inner] of members) {
      if (this.#selected === undefined || this.#selected.has(name)) yield [name, inner];
    }
  }

  #keyTaken(name: string): PeekpackError {
    return new PeekpackError(
      "duplicate-name",
      `A record has a member ${JSON.stringify(name)}: give the column of keys another name by \`key\`.`,
    );
  }
}

function kindNamed(type: ColumnType): Kind {
  switch (type) {
    case "utf8":
      return { tag: "text" };
    case "binary":
      return { tag: "bytes" };
    case "timestamp":
      return { tag: "instant" };
    case "bool":
    case "json":
      return { tag: type };
    default:
      if (COLUMN_TYPES.includes(type)) return { tag: "number", name: type };
      throw new TypeError(`There is no column type ${JSON.stringify(type)}.`);
  }
}

function unfit(message: string): PeekpackError {
  return new PeekpackError("unsupported-value", message, { section: "data" });
}
