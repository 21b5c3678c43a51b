/** Bounds on what an archive may ask of its reader. Beyond one of them reading rejects with `limit`. */
export interface Limits {
  /** Deepest nesting inside one value, and of nodes in a table of contents. Default 1000. */
  readonly maxDepth: number;
  /** Deepest nesting of archives within combined archives. Default 64. */
  readonly maxArchiveDepth: number;
  /** Largest table of contents in bytes. Default 1 GiB. */
  readonly maxTocBytes: number;
  /** Most items that one read may decode, containers counted with what they hold. Default 2^28. */
  readonly maxItems: number;
  /** Longest key in bytes. Default 1 MiB. */
  readonly maxKeyBytes: number;
  /** Largest single value, or block of a list, in bytes. Default 2 GiB − 1. */
  readonly maxValueBytes: number;
}

/** The limits that hold unless a call says otherwise. */
export const DEFAULT_LIMITS: Limits = {
  maxDepth: 1000,
  maxArchiveDepth: 64,
  maxTocBytes: 2 ** 30,
  maxItems: 2 ** 28,
  maxKeyBytes: 2 ** 20,
  maxValueBytes: 2 ** 31 - 1,
};
