import { envelope } from "./axis.js";
import type { SampledNumbers } from "./sampled-numbers.js";
import type { Series } from "./series.js";

/** Numbers over their index, as a plot draws them. */
export interface Curve {
  readonly name: string;
  readonly length: number;
  /** The number at an index: NaN for a gap, undefined if it was not read. */
  at(index: number): number | undefined;
  /** The minimum and the maximum in each of `columns` parts of a range. NaN where there are no numbers. */
  envelope(from: number, to: number, columns: number): Float64Array;
  /** Whether all numbers of a range were read. */
  covers(from: number, to: number): boolean;
}

export function curveOf({ name, values }: Series): Curve {
  return {
    name,
    length: values.length,
    at: (index) => values[index],
    envelope: (from, to, columns) => envelope(values, from, to, columns),
    covers: () => true,
  };
}

/** The curve of a sample. Minimum and maximum are those of the numbers that were read. */
export function sampledCurve(numbers: SampledNumbers, name: string): Curve {
  return {
    name,
    length: numbers.length,
    at: (index) => numbers.at(index),
    covers: (from, to) => numbers.covers(from, to),
    envelope(from, to, columns) {
      const bounds = new Float64Array(columns * 2).fill(Number.NaN);
      const scale = columns / (to - from);
      for (const { from: start, values } of numbers.within(from, to)) {
        for (let i = 0; i < values.length; i++) {
          const value = values[i]!;
          const at = Math.min(columns - 1, Math.floor((start + i - from) * scale)) * 2;
          // The comparisons are false for NaN, in a bound and as a value.
          if (!(bounds[at]! <= value) && !Number.isNaN(value)) bounds[at] = value;
          if (!(bounds[at + 1]! >= value) && !Number.isNaN(value)) bounds[at + 1] = value;
        }
      }
      return bounds;
    },
  };
}
