import { PeekpackError } from "@peekpack/core";

const MiB = 2 ** 20;

/** What S3 allows, in bytes and counts. From the service quotas in the Amazon S3 User Guide. */
export const S3_LIMITS = {
  /** Every part but the last has at least so many bytes. */
  minPart: 5_242_880,
  /** A part, uploaded or copied, has at most so many bytes. */
  maxPart: 5_368_709_120,
  /** An upload has at most so many parts, numbered from 1. */
  parts: 10_000,
  /** A single PUT has at most so many bytes. */
  put: 5_368_709_120,
  /** An object has at most so many bytes: 10,000 parts of 5 GiB. */
  object: 53_687_091_200_000,
} as const;

/** The part size where nothing else is asked for: 10,000 of them hold 156 GiB. */
export const DEFAULT_PART_SIZE: number = 16_777_216;

/** What one call chooses about its parts. */
export interface PartChoice {
  /** Size of the whole, or the largest it may become, in bytes; undefined where nobody knows. */
  readonly size?: number | undefined;
  /** Wanted part size in bytes; default 16 MiB, more where 10,000 parts would not hold `size`. */
  readonly partSize?: number | undefined;
}

/**
 * Chooses one size for all parts but the last. Whole MiB, so that parts of neighbouring sizes line up.
 * @throws RangeError when `partSize` is not within S3's limits, or 10,000 parts of it cannot hold `size`
 */
export function choosePartSize({ size, partSize }: PartChoice): number {
  const needed = size === undefined ? 0 : Math.ceil(size / S3_LIMITS.parts);
  if (partSize === undefined) {
    if (needed > S3_LIMITS.maxPart) throw new RangeError("An S3 object has at most 48.8 TiB.");
    return Math.max(DEFAULT_PART_SIZE, Math.ceil(needed / MiB) * MiB);
  }
  if (!Number.isSafeInteger(partSize) || partSize < S3_LIMITS.minPart || partSize > S3_LIMITS.maxPart) {
    throw new RangeError("A part has 5 MiB to 5 GiB.");
  }
  if (partSize < needed) throw new RangeError(`10,000 parts of ${partSize} bytes do not hold ${size} bytes.`);
  return partSize;
}

/** How large each part is. */
export interface PartSizing {
  /** Size of part `number`, from 1, in bytes. @throws PeekpackError `limit` beyond the last number */
  of(number: number): number;
}

/** Growing parts are larger by the first one's size after so many. */
const GROWTH_STEP = 1000;

/**
 * Sizes the parts of an object whose size nobody knows yet: all equal, or growing with their number.
 * @throws RangeError when `partSize` is not within S3's limits, or 10,000 parts cannot hold `maxSize`
 */
export function partSizing(options: {
  readonly partSize?: number | undefined;
  readonly maxSize?: number | undefined;
  readonly growing?: boolean | undefined;
}): PartSizing {
  const { partSize, maxSize, growing = false } = options;
  const steps = S3_LIMITS.parts / GROWTH_STEP;
  // Sizes 1, 2, … 10 times the first are on the average 5.5 times as large.
  const held = growing && maxSize !== undefined ? Math.ceil(maxSize / ((steps + 1) / 2)) : maxSize;
  const first = choosePartSize({ size: held, partSize });
  return {
    of(number) {
      if (number > S3_LIMITS.parts) {
        throw new PeekpackError(
          "limit",
          `10,000 parts are full: declare maxSize, or choose a partSize larger than ${first} bytes.`,
          { section: "sink" },
        );
      }
      return growing ? Math.min(S3_LIMITS.maxPart, first * Math.ceil(number / GROWTH_STEP)) : first;
    },
  };
}
