import { LazyMap, NdArray } from "@peekpack/core";
import { type Entry, isPlainMap } from "../archive/entry.js";
import { keyText } from "../archive/segments.js";

/** Columns that a table has at most. The table says how many it leaves out. */
export const MAX_COLUMNS = 20_000;
/** A map with more keys is a value of its own, and no row of a table. */
const MAX_KEYS = 1000;
const LEAST_WIDTH = 48;
/** Pixels of a cell beside its text. */
const PADDING = 26;
/** Longer texts are cut with an ellipsis until the column is made wider. Numbers are never cut. */
const MAX_TEXT_WIDTH = 420;
/** Pixels of the buttons in a head. */
const BUTTONS = 52;

/** A column of a table. */
export interface Column {
  /** The key or index in each row. Undefined for the value of the row itself. */
  readonly name: string | undefined;
  /** In pixels. */
  width: number;
  /** Whether the user has set the width. */
  fixed: boolean;
  /** Whether all of its cells that were seen are numbers. Undefined before one was seen. */
  numeric: boolean | undefined;
}

/** The names of the columns of some rows: the union of their keys. Rows that were not read do not count. */
export function columnNames(rows: readonly Entry[]): readonly (string | undefined)[] {
  const read = rows.filter(({ content }) => content !== undefined);
  const records = read.filter(isRecord);
  // Rows of different kinds are clearer as one column of values.
  if (records.length === 0 || records.length * 2 < read.length) return [undefined];
  const names = new Set<string>();
  for (const row of records) {
    const size = row.size ?? 0;
    // The indices of a long row are those of the longest row.
    for (let i = isMap(row) ? 0 : names.size; i < size; i++) names.add(keyText(row.keyAt(i)));
  }
  return [...names];
}

/** The entry in a cell. Undefined if the row has none under that name. */
export function cellOf(row: Entry, name: string | undefined): Entry | undefined {
  if (name === undefined) return row;
  if (row.content === undefined) return undefined;
  const index = row.findLoaded({ text: name, exact: false });
  return index < 0 ? undefined : row.child(index);
}

function isMap({ content }: Entry): boolean {
  const value = content?.value;
  return value instanceof LazyMap || value instanceof Map || isPlainMap(value);
}

function isRecord(row: Entry): boolean {
  const size = row.size ?? 0;
  if (isMap(row)) return size > 0 && size <= MAX_KEYS;
  const value = row.content?.value;
  return (Array.isArray(value) || NdArray.is(value)) && size > 0;
}

/** Where the columns of a table are, in pixels from the left of the first one. */
export class ColumnLayout {
  readonly columns: Column[] = [];
  /** Columns that were left out, because there are more than {@link MAX_COLUMNS}. */
  omitted = 0;
  readonly #measure: (text: string) => number;
  readonly #names = new Set<string | undefined>();
  #offsets: number[] = [0];

  /** @param measure gives the width of a text in pixels */
  constructor(measure: (text: string) => number) {
    this.#measure = measure;
  }

  /** Pixels of all columns. */
  get width(): number {
    return this.#offsets[this.columns.length]!;
  }

  /** Adds the columns that are not there yet. @returns whether there were any */
  add(names: readonly (string | undefined)[]): boolean {
    // A row that is no record adds no column to a table of records.
    const fresh = names.filter(
      (name) => !this.#names.has(name) && (name !== undefined || this.columns.length === 0),
    );
    for (const name of fresh) {
      this.#names.add(name);
      if (this.columns.length === MAX_COLUMNS) {
        this.omitted++;
        continue;
      }
      const width = Math.min(MAX_TEXT_WIDTH, this.#measure(name ?? "value") + BUTTONS);
      this.columns.push({ name, width: Math.max(LEAST_WIDTH, width), fixed: false, numeric: undefined });
    }
    if (fresh.length > 0) this.#place();
    return fresh.length > 0;
  }

  offset(index: number): number {
    return this.#offsets[index]!;
  }

  /** The columns in a part of the width: the first one, and the one after the last. */
  between(left: number, right: number): readonly [first: number, last: number] {
    return [Math.max(0, this.#at(left) - 1), Math.min(this.columns.length, this.#at(right) + 1)];
  }

  /** Makes a column wide enough for a cell. @returns whether it was changed */
  widen(index: number, text: string, isNumber: boolean): boolean {
    const column = this.columns[index]!;
    const wanted = Math.ceil(this.#measure(text)) + PADDING;
    const wide = isNumber ? wanted : Math.min(MAX_TEXT_WIDTH, wanted);
    if (column.fixed || wide <= column.width) return false;
    column.width = wide;
    this.#place();
    return true;
  }

  /** Sets the width of a column. Undefined: as wide as its cells need. */
  resize(index: number, width: number | undefined): void {
    const column = this.columns[index]!;
    column.fixed = width !== undefined;
    column.width = Math.max(LEAST_WIDTH, width ?? this.#measure(column.name ?? "value") + BUTTONS);
    this.#place();
  }

  /** How many offsets are at most `x`. */
  #at(x: number): number {
    let low = 0;
    let high = this.columns.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! <= x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #place(): void {
    const offsets = [0];
    for (const [i, { width }] of this.columns.entries()) offsets.push(offsets[i]! + width);
    this.#offsets = offsets;
  }
}
