import { PeekpackError } from "@peekpack/core";

const MiB = 2 ** 20;

/** The limits of S3 in bytes and counts, from the service quotas in the Amazon S3 User Guide. */
export const S3_LIMITS = {
  /** Minimum size of every part but the last. */
  minPart: 5_242_880,
  /** Maximum size of a part, uploaded or copied. */
  maxPart: 5_368_709_120,
  /** Maximum number of parts. They are numbered from 1. */
  parts: 10_000,
  /** Maximum size of a single PUT. */
  put: 5_368_709_120,
  /** Maximum size of an object: 10,000 parts of 5 GiB. */
  object: 53_687_091_200_000,
} as const;

/** The part size by default: 10,000 parts hold 156 GiB. */
export const DEFAULT_PART_SIZE: number = 16_777_216;

/** Whether S3 accepts parts of this size. */
export function isPartSize(size: unknown): size is number {
  return Number.isSafeInteger(size) && Number(size) >= S3_LIMITS.minPart && Number(size) <= S3_LIMITS.maxPart;
}

/** Options of {@link choosePartSize}. */
export interface PartSizeOptions {
  /** Size of the object in bytes, or an upper bound; undefined if neither is known. */
  readonly size?: number | undefined;
  /** Part size in bytes. Default 16 MiB, more if 10,000 parts would not hold `size`. */
  readonly partSize?: number | undefined;
}

/**
 * Chooses one size for all parts but the last. The default is a multiple of 1 MiB.
 * @throws RangeError if `partSize` exceeds S3's limits, or 10,000 parts of it do not hold `size`
 */
export function choosePartSize({ size, partSize }: PartSizeOptions): number {
  const needed = size === undefined ? 0 : Math.ceil(size / S3_LIMITS.parts);
  if (partSize === undefined) {
    if (needed > S3_LIMITS.maxPart) throw new RangeError("An S3 object has at most 48.8 TiB.");
    return Math.max(DEFAULT_PART_SIZE, Math.ceil(needed / MiB) * MiB);
  }
  if (!isPartSize(partSize)) throw new RangeError("A part has 5 MiB to 5 GiB.");
  if (partSize < needed) throw new RangeError(`10,000 parts of ${partSize} bytes do not hold ${size} bytes.`);
  return partSize;
}

/** The size of each part. */
export interface PartSizing {
  /** Size of part `number`, from 1, in bytes. @throws PeekpackError `limit` after the last number */
  of(number: number): number;
}

/** Growing parts become larger by the first part's size after this many parts. */
const GROWTH_STEP = 1000;

/**
 * Sizes the parts of an object of unknown size: all equal, or growing with their number.
 * @throws RangeError if `partSize` exceeds S3's limits, or 10,000 parts do not hold `maxSize`
 */
export function partSizing(options: {
  readonly partSize?: number | undefined;
  readonly maxSize?: number | undefined;
  readonly growing?: boolean | undefined;
}): PartSizing {
  const { partSize, maxSize, growing = false } = options;
  const steps = S3_LIMITS.parts / GROWTH_STEP;
  // Parts of 1, 2, … 10 times the first size are 5.5 times as large on average.
  const size = growing && maxSize !== undefined ? Math.ceil(maxSize / ((steps + 1) / 2)) : maxSize;
  const first = choosePartSize({ size, partSize });
  return {
    of(number) {
      if (number > S3_LIMITS.parts) {
        throw new PeekpackError(
          "limit",
          `The archive exceeds 10,000 parts: declare maxSize, or choose a partSize above ${first} bytes.`,
          { section: "sink" },
        );
      }
      return growing ? Math.min(S3_LIMITS.maxPart, first * Math.ceil(number / GROWTH_STEP)) : first;
    },
  };
}
