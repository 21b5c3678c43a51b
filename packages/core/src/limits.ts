/** Bounds on what an archive may make its reader do. Reading beyond one of them rejects with `limit`. */
export interface Limits {
  /** Maximum nesting inside one value, and of nodes in a table of contents. Default 1000. */
  readonly maxDepth: number;
  /** Maximum nesting of archives within combined archives. Default 64. */
  readonly maxArchiveDepth: number;
  /** Maximum size of a table of contents in bytes. Default 1 GiB. */
  readonly maxTocBytes: number;
  /** Maximum number of items that one read decodes; a container counts as one item plus its contents. Default 2^28. */
  readonly maxItems: number;
  /** Maximum length of a key in bytes. Default 1 MiB. */
  readonly maxKeyBytes: number;
  /** Maximum size of one value, or of one block of a list, in bytes. Default 2 GiB − 1. */
  readonly maxValueBytes: number;
  /** Maximum memory that one read gives its result, in bytes, as estimated from its items. Default 2 GiB. */
  readonly maxHeapBytes: number;
}

/** The limits that apply unless a call sets others. */
export const DEFAULT_LIMITS: Limits = {
  maxDepth: 1000,
  maxArchiveDepth: 64,
  maxTocBytes: 2 ** 30,
  maxItems: 2 ** 28,
  maxKeyBytes: 2 ** 20,
  maxValueBytes: 2 ** 31 - 1,
  maxHeapBytes: 2 ** 31,
};

/**
 * Returns the given limits, with the defaults for those that are missing.
 * @throws RangeError if a limit is not a positive integer
 */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const limits: { -readonly [Name in keyof Limits]: number } = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!(Number.isSafeInteger(value) && value > 0)) {
      throw new RangeError(`limits.${name} must be a positive integer.`);
    }
    limits[name as keyof Limits] = value;
  }
  return limits;
}
