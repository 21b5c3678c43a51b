/** Task of a worker. */
export interface Job {
  /** Whether only page indexes are mutated. */
  readonly index: boolean;
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  /** The number of the current case, as one 32-bit integer. */
  readonly progress: SharedArrayBuffer;
  /** A case that takes longer three times in a row is a fault. */
  readonly slowMs: number;
  /** A case that grows array buffers by more is a fault. */
  readonly maxBytes: number;
}

/** Progress of a worker. */
export interface Report {
  done: number;
  opened: number;
  values: number;
  errors: number;
  /** Cases in which the page index was not used. */
  ignored: number;
  /** Duration of the slowest case, in milliseconds. */
  slowest: number;
  readonly faults: { readonly number: number; readonly what: string }[];
}
