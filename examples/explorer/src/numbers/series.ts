import { NdArray, type Value } from "@peekpack/core";
import { isPlainMap } from "../archive/entry.js";

/** A column of numbers. Other values, such as null, are NaN: plots have a gap there. */
export interface Series {
  readonly name: string;
  readonly values: Float64Array;
}

/** More columns are shown as a heat map, not as lines. */
export const MAX_LINES = 12;
/** Rows that decide whether a list contains numbers. */
const SAMPLE = 64;

/**
 * The columns of numbers in a value. A list of numbers is one column. A list of equally long lists of numbers has one for
 * each index. A list of maps has one for each key with numbers. Empty for other values.
 */
export function seriesOf(value: Value): Series[] {
  if (NdArray.is(value)) return arraySeries(value);
  if (isTyped(value)) return [{ name: "", values: floats(value as ArrayLike<number | bigint>) }];
  if (!Array.isArray(value) || value.length < 2) return [];
  const sample = value.slice(0, SAMPLE);
  if (areNumbers(sample)) return [{ name: "", values: floats(value as ArrayLike<Value>) }];
  if (sample.every((row) => Array.isArray(row) || NdArray.is(row))) return rowSeries(value);
  if (sample.every(isPlainMap)) {
    const rows = value as { [key: string]: Value }[];
    const names = new Set(rows.slice(0, SAMPLE).flatMap((row) => Object.keys(row)));
    return [...names]
      .filter((name) => rows.slice(0, SAMPLE).some((row) => isNumber(row[name])))
      .filter((name) => rows.slice(0, SAMPLE).every((row) => row[name] == null || isNumber(row[name])))
      .map((name) => ({ name, values: Float64Array.from(rows, (row) => toNumber(row[name])) }));
  }
  return [];
}

function arraySeries({ data, shape }: NdArray): Series[] {
  if (shape.length === 1) return [{ name: "", values: floats(data as ArrayLike<number | bigint>) }];
  if (shape.length !== 2) return [];
  const [rows, columns] = shape as [number, number];
  if (columns > MAX_LINES || rows < 2) return [];
  return Array.from({ length: columns }, (_, column) => ({
    name: String(column),
    values: Float64Array.from({ length: rows }, (_, row) => Number(data[row * columns + column])),
  }));
}

function rowSeries(rows: Value[]): Series[] {
  const plain = rows.map((row) => (NdArray.is(row) ? (row.toNested() as Value) : row));
  const width = Array.isArray(plain[0]) ? plain[0].length : 0;
  if (width === 0 || width > MAX_LINES) return [];
  if (!plain.every((row) => Array.isArray(row) && row.length === width && row.every(isNumberOrNull)))
    return [];
  return Array.from({ length: width }, (_, column) => ({
    name: String(column),
    values: Float64Array.from(plain, (row) => toNumber((row as Value[])[column])),
  }));
}

/** Whether values are numbers or null, and some are numbers. */
export function areNumbers(values: readonly unknown[]): boolean {
  return values.some(isNumber) && values.every(isNumberOrNull);
}

function isNumberOrNull(value: unknown): boolean {
  return value == null || isNumber(value);
}

/** Numbers as a typed array. A typed array of floats is a view of the same memory. */
export function floats(values: ArrayLike<Value | number | bigint>): Float64Array {
  if (values instanceof Float64Array) return values;
  const { length } = values;
  const found = new Float64Array(length);
  // A loop, because `Float64Array.from` with a function takes seconds for ten million numbers.
  for (let i = 0; i < length; i++) found[i] = toNumber(values[i]);
  return found;
}

export function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function toNumber(value: unknown): number {
  return isNumber(value) ? Number(value) : Number.NaN;
}

function isTyped(value: unknown): boolean {
  return ArrayBuffer.isView(value) && !(value instanceof Uint8Array) && !(value instanceof DataView);
}
