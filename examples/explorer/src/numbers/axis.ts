/** Round numbers that divide an axis into about `wanted` parts: steps of 1, 2 or 5 times a power of ten. */
export function ticks(from: number, to: number, wanted: number): number[] {
  const range = to - from;
  if (!(range > 0) || !Number.isFinite(range)) return [];
  const rough = range / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999)! * power;
  const first = Math.ceil(from / step - 1e-9);
  const marks: number[] = [];
  // Multiplied and not added, so that 0.3 does not become 0.30000000000000004.
  for (let i = first; i * step <= to + step * 1e-9; i++) marks.push(Number((i * step).toPrecision(12)));
  return marks;
}

/** Some of the numbers on an axis: those from an index on. */
export interface Part {
  readonly from: number;
  readonly values: Float64Array;
}

/**
 * The minimum and the maximum of the numbers in each of `columns` columns of pixels. NaN where there are none.
 * @param parts the numbers from index `from` up to `to`, in order
 */
export function envelope(parts: Iterable<Part>, from: number, to: number, columns: number): Float64Array {
  const bounds = new Float64Array(columns * 2).fill(Number.NaN);
  /** The first index of a column. */
  const firstOf = (column: number): number => Math.ceil(from + ((to - from) * column) / columns);
  for (const { from: start, values } of parts) {
    let column = Math.floor(((start - from) * columns) / (to - from));
    for (let i = 0; i < values.length; column++) {
      const end = Math.min(values.length, firstOf(column + 1) - start);
      let least = Number.POSITIVE_INFINITY;
      let greatest = Number.NEGATIVE_INFINITY;
      for (; i < end; i++) {
        const value = values[i]!;
        if (value < least) least = value;
        if (value > greatest) greatest = value;
      }
      if (!(least <= greatest)) continue;
      // The comparisons are false for NaN.
      if (!(bounds[column * 2]! <= least)) bounds[column * 2] = least;
      if (!(bounds[column * 2 + 1]! >= greatest)) bounds[column * 2 + 1] = greatest;
    }
  }
  return bounds;
}
