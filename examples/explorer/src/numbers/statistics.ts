import { binsFor, type Histogram, histogram } from "./histogram.js";
import { type Summary, summarise } from "./summary.js";

/** What is said of a column of numbers. */
export interface Statistics {
  readonly summary: Summary;
  readonly histogram: Histogram;
}

export function statisticsOf(values: Float64Array): Statistics {
  return { summary: summarise(values), histogram: histogram(values, binsFor(values.length)) };
}
