/** Statistics of a column of numbers. NaN and infinities are counted and otherwise ignored. */
export interface Summary {
  readonly count: number;
  readonly missing: number;
  readonly least: number;
  readonly greatest: number;
  readonly mean: number;
  readonly median: number;
  readonly deviation: number;
}

/** Summarises numbers: the mean and the standard deviation of the population, by Welford's updates. */
export function summarise(values: Float64Array): Summary {
  const finite = values.filter(Number.isFinite);
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < finite.length; i++) {
    const delta = finite[i]! - mean;
    mean += delta / (i + 1);
    squares += delta * (finite[i]! - mean);
  }
  const sorted = finite.sort();
  const count = sorted.length;
  const middle = count >> 1;
  const nothing = Number.NaN;
  return {
    count,
    missing: values.length - count,
    least: count > 0 ? sorted[0]! : nothing,
    greatest: count > 0 ? sorted[count - 1]! : nothing,
    mean: count > 0 ? mean : nothing,
    median:
      count > 0 ? (count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2) : nothing,
    deviation: count > 0 ? Math.sqrt(squares / count) : nothing,
  };
}
