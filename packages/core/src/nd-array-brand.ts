/** Registered, so that two copies of this package recognize each other's arrays. */
export const ndArrayBrand: unique symbol = Symbol.for("peekpack.NdArray");

/** What lookups need of an `NdArray`. */
export interface NdArrayLike {
  readonly shape: readonly number[];
  /** The elements as nested lists. */
  toNested(): unknown;
}

/** Whether a value is an `NdArray`, also of another copy of this package. A map with the same keys is not one. */
export function isNdArray(value: unknown): value is NdArrayLike {
  return typeof value === "object" && value !== null && ndArrayBrand in value;
}
