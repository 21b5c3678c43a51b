import type { Value } from "@peekpack/core";
import { TimeSlice } from "@peekpack/core/internal";

/** By which column rows are sorted. */
export interface Sorting {
  /** The name of the column. Undefined for the value of the row itself. */
  readonly column: string | undefined;
  readonly descending: boolean;
}

/** All rows are sorted if there are at most so many, in at most so many bytes. Otherwise those that were read. */
export const SORTED_ROWS = 100_000;
export const SORTED_BYTES = 4 * 1024 * 1024;

/** Rows that are sorted in one step. */
const RUN = 8192;

/** Numbers come first, then texts, then true and false. Whatever has no order comes last. */
function rank(value: Value | undefined): number {
  switch (typeof value) {
    case "number":
      return Number.isNaN(value) ? 4 : 0;
    case "bigint":
      return 0;
    case "string":
      return 1;
    case "boolean":
      return 2;
    default:
      return value instanceof Date ? 3 : 4;
  }
}

/** Compares two cells. Cells without an order are last, whatever the direction. */
export function compareCells(a: Value | undefined, b: Value | undefined, descending: boolean): number {
  const [left, right] = [rank(a), rank(b)];
  if (left !== right) return left === 4 || right === 4 || !descending ? left - right : right - left;
  if (left === 4) return 0;
  const [first, second] = descending ? [b!, a!] : [a!, b!];
  return first < second ? -1 : first > second ? 1 : 0;
}

/** Indices in the order of their cells. Equal cells keep their order. Merges in slices, so that the page stays responsive. */
export async function sortedIndices(
  indices: readonly number[],
  cells: ReadonlyMap<number, Value | undefined>,
  descending: boolean,
  signal: AbortSignal,
): Promise<number[]> {
  const compare = (a: number, b: number): number => compareCells(cells.get(a), cells.get(b), descending);
  const slice = new TimeSlice();
  let runs: number[][] = [];
  for (let at = 0; at < indices.length; at += RUN) {
    runs.push(indices.slice(at, at + RUN).sort(compare));
    await slice.next(signal);
  }
  while (runs.length > 1) {
    const merged: number[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      // The engine's sort finds the two runs and merges them.
      merged.push(i + 1 < runs.length ? [...runs[i]!, ...runs[i + 1]!].sort(compare) : runs[i]!);
      await slice.next(signal);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}
