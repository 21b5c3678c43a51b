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

/** The minimum and the maximum of the numbers in each of `columns` columns of pixels. */
export function envelope(values: Float64Array, from: number, to: number, columns: number): Float64Array {
  const bounds = new Float64Array(columns * 2).fill(Number.NaN);
  for (let column = 0; column < columns; column++) {
    const first = Math.max(0, Math.floor(from + ((to - from) * column) / columns));
    const last = Math.min(
      values.length,
      Math.max(first + 1, Math.floor(from + ((to - from) * (column + 1)) / columns)),
    );
    let least = Number.POSITIVE_INFINITY;
    let greatest = Number.NEGATIVE_INFINITY;
    for (let i = first; i < last; i++) {
      const value = values[i]!;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
    if (least <= greatest) {
      bounds[column * 2] = least;
      bounds[column * 2 + 1] = greatest;
    }
  }
  return bounds;
}
