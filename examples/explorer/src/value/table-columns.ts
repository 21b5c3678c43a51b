import { LazyMap, NdArray } from "@peekpack/core";
import { type Entry, isPlainMap } from "../archive/entry.js";
import { keyText } from "../archive/segments.js";
import { isNumber } from "../numbers/series.js";
import { preview, rounded, textOf } from "./tokens.js";

/** A column of a table. */
export interface Column {
  /** The key or index in each row. Undefined for the value of the row itself. */
  readonly name: string | undefined;
  /** Width in characters. */
  readonly width: number;
  /** Whether its cells are numbers. */
  readonly numeric: boolean;
}

const MAX_COLUMNS = 40;
/** Longer lists are shown in one cell. */
const MAX_LIST_COLUMNS = 16;

/** The columns of some rows. Rows that were not read do not count. */
export function columnsOf(rows: readonly Entry[]): Column[] {
  const read = rows.filter(({ content }) => content !== undefined);
  const names = new Set<string>();
  let inMaps = 0;
  for (const row of read) {
    if (!isRecord(row)) continue;
    inMaps++;
    const size = Math.min(row.size ?? 0, MAX_COLUMNS);
    for (let i = 0; i < size && names.size < MAX_COLUMNS; i++) names.add(keyText(row.keyAt(i)));
  }
  // Rows of different kinds, or maps without common keys, are clearer as one column of values.
  const records = inMaps > 0 && inMaps * 2 >= read.length && names.size <= MAX_COLUMNS;
  return (records ? [...names] : [undefined]).map((name) => columnOf(name, read));
}

/** The entry in a cell. Undefined if the row has none under that name. */
export function cellOf(row: Entry, name: string | undefined): Entry | undefined {
  if (name === undefined) return row;
  if (row.content === undefined) return undefined;
  const index = row.findLoaded({ text: name, exact: false });
  return index < 0 ? undefined : row.child(index);
}

function isRecord(row: Entry): boolean {
  const value = row.content?.value;
  if (value instanceof LazyMap || value instanceof Map || isPlainMap(value)) return true;
  const length = Array.isArray(value) ? value.length : NdArray.is(value) ? (value.shape[0] ?? 0) : 0;
  return length > 0 && length <= MAX_LIST_COLUMNS;
}

function columnOf(name: string | undefined, rows: readonly Entry[]): Column {
  let width = name?.length ?? 12;
  let numbers = 0;
  let others = 0;
  for (const row of rows) {
    const cell = cellOf(row, name);
    if (cell?.content === undefined) {
      width = Math.max(width, 8);
      continue;
    }
    const { value } = cell.content;
    if (isNumber(value)) numbers++;
    else if (value !== null) others++;
    width = Math.max(
      width,
      typeof value === "number" ? rounded(value).length : textOf(preview(value, 40)).length,
    );
  }
  return {
    name,
    width: Math.min(name === undefined ? 80 : 32, Math.max(5, width + 2)),
    numeric: numbers > 0 && others === 0,
  };
}
