/** What a worker is to do. */
export interface Job {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  /** Where the worker notes the number of the case it is at: one 32-bit integer. */
  readonly at: SharedArrayBuffer;
  /** A case that takes longer, three times in a row, is a fault. */
  readonly slowMs: number;
  /** A case that leaves more bytes in array buffers is a fault. */
  readonly mostBytes: number;
}

/** How far a worker is. */
export interface Report {
  done: number;
  opened: number;
  values: number;
  errors: number;
  /** Longest case, in milliseconds. */
  slowest: number;
  readonly faults: { readonly number: number; readonly what: string }[];
}
