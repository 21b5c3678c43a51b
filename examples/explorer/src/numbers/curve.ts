import { envelope, type Part } from "./axis.js";
import type { SampledNumbers } from "./sampled-numbers.js";
import type { Series } from "./series.js";

/** Numbers over their index, as a plot draws them. */
export interface Curve {
  readonly name: string;
  readonly length: number;
  /** The number at an index: NaN for a gap, undefined if it was not read. */
  at(index: number): number | undefined;
  /** The numbers of a range that were read, in order. Views. */
  within(from: number, to: number): Iterable<Part>;
  /** The minimum and the maximum in each of `columns` parts of a range. NaN where there are no numbers. */
  envelope(from: number, to: number, columns: number): Float64Array;
  /** Whether all numbers of a range were read. */
  covers(from: number, to: number): boolean;
}

export function curveOf({ name, values }: Series): Curve {
  const within = (from: number, to: number): Part[] => [{ from, values: values.subarray(from, to) }];
  return {
    name,
    length: values.length,
    at: (index) => values[index],
    within,
    envelope: (from, to, columns) => envelope(within(from, to), from, to, columns),
    covers: () => true,
  };
}

/** The curve of a sample. Minimum and maximum are those of the numbers that were read. */
export function sampledCurve(numbers: SampledNumbers, name: string): Curve {
  return {
    name,
    length: numbers.length,
    at: (index) => numbers.at(index),
    within: (from, to) => numbers.within(from, to),
    envelope: (from, to, columns) => envelope(numbers.within(from, to), from, to, columns),
    covers: (from, to) => numbers.covers(from, to),
  };
}
