/** The typed array for each type of numbers. */
export interface NumberArrays {
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  float32: Float32Array;
  float64: Float64Array;
}

/** The types of numbers that typed arrays hold. */
export type NumberType = keyof NumberArrays;

/** The constructor of the typed array for each type of numbers. */
export const NUMBER_ARRAYS: { readonly [T in NumberType]: new (length: number) => NumberArrays[T] } = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
};
