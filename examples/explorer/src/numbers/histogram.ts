/** How many numbers are between neighboring edges. */
export interface Histogram {
  /** One more than there are bins, evenly spaced. */
  readonly edges: Float64Array;
  readonly counts: Uint32Array;
}

/** Counts numbers in `bins` bins of equal width over their range; the last one includes its upper edge. */
export function histogram(values: Float64Array, bins: number): Histogram {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  if (least > greatest) return { edges: new Float64Array(), counts: new Uint32Array() };
  if (least === greatest) {
    const half = Math.abs(least) / 2 || 0.5;
    least -= half;
    greatest += half;
  }
  const width = (greatest - least) / bins;
  const counts = new Uint32Array(bins);
  for (const value of values) {
    if (Number.isFinite(value)) counts[Math.min(bins - 1, Math.floor((value - least) / width))]!++;
  }
  return { edges: Float64Array.from({ length: bins + 1 }, (_, i) => least + i * width), counts };
}

/** The number of bins for a histogram: the square root of the count, within limits. */
export function binsFor(count: number): number {
  return Math.max(6, Math.min(60, Math.round(Math.sqrt(count))));
}
