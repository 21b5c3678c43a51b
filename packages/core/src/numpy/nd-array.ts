import { type Float64, float64 } from "../values.js";

/** A typed array of the kinds that an {@link NdArray} holds. */
export type NdData =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** The name of an element type, as numpy spells it, without byte order. */
export type NdType =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float16"
  | "float32"
  | "float64";

/** What `toNested` gives: numbers, bigints beyond ±(2^53 − 1), booleans, in lists nested as deep as the shape is long. */
export type Nested = number | bigint | boolean | Nested[];

/** What `toRows` gives: innermost rows as typed arrays (booleans as a list), a scalar as what is written for it. */
export type Rows = NdData | boolean[] | Rows[] | number | bigint | boolean | Float64;

/**
 * The typed array that holds each element type: bool as 0 and 1, float16 widened to 32 bits. The first that fits is the
 * type of a typed array that comes without one.
 */
const arrays = {
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
  float16: Float32Array,
  bool: Uint8Array,
} as const;

/** numpy refuses arrays of more dimensions (NPY_MAXDIMS of numpy 2). */
const maxDimensions = 64;

/** A rectangular array of one element type, as numpy has it: a flat typed array in row-major order and a shape. */
export class NdArray {
  /** The element type: `float64`, `int32`, `bool`, … */
  readonly dtype: NdType;
  /** The length of each dimension; empty for a scalar. */
  readonly shape: readonly number[];
  /** The elements, row-major, in the machine's byte order. */
  readonly data: NdData;

  /**
   * Gives a typed array a shape; the array is kept, not copied.
   *
   * @param shape one dimension of `data.length` unless given
   * @param dtype what the typed array says unless given: `bool` for a Uint8Array of 0 and 1, `float16` for a Float32Array
   * @throws RangeError where the shape does not hold exactly the elements, TypeError where `dtype` does not fit `data`
   */
  constructor(data: NdData, shape: readonly number[] = [data.length], dtype?: NdType) {
    const type = dtype ?? (Object.keys(arrays) as NdType[]).find((name) => fits(name, data));
    if (!type || !Object.hasOwn(arrays, type) || !fits(type, data)) {
      throw new TypeError("dtype and data of an NdArray do not fit each other");
    }
    if (shape.length > maxDimensions || shape.some((length) => !Number.isSafeInteger(length) || length < 0)) {
      throw new RangeError(`a shape has at most ${maxDimensions} lengths, each an integer of at least 0`);
    }
    if (shape.reduce((product, length) => product * length, 1) !== data.length) {
      throw new RangeError(
        `the shape ${shape.join(" × ") || "of a scalar"} does not hold ${data.length} elements`,
      );
    }
    this.dtype = type;
    this.shape = [...shape];
    this.data = data;
  }

  /** The elements as nested lists, like numpy's `tolist()`; a scalar without dimensions as itself. */
  toNested(): Nested {
    const plain = (row: NdData): (number | bigint | boolean)[] =>
      this.dtype === "bool"
        ? Array.from(row as Uint8Array, Boolean)
        : // From the width on at which the reader turns integers into bigints.
          Array.from(row as ArrayLike<number | bigint>, (element) =>
            Number.isSafeInteger(Number(element)) ? Number(element) : element,
          );
    return this.shape.length === 0 ? plain(this.data)[0]! : this.#nest<Nested>(plain);
  }

  /** The elements as nested lists whose innermost rows are views of `data`: what the encoder writes. */
  toRows(): Rows {
    const plain = (row: NdData): NdData | boolean[] =>
      this.dtype === "bool" ? Array.from(row as Uint8Array, Boolean) : row;
    if (this.shape.length > 0) return this.#nest<Rows>(plain);
    const element = plain(this.data)[0]!;
    return this.dtype.startsWith("float") ? float64(element as number) : element;
  }

  #nest<T>(row: (row: NdData) => T | T[]): T | T[] {
    const { shape, data } = this;
    const last = shape.length - 1;
    let next = 0;
    const nest = (dimension: number): T | T[] => {
      const length = shape[dimension]!;
      if (dimension === last) {
        next += length;
        return row(data.subarray(next - length, next));
      }
      return Array.from({ length }, () => nest(dimension + 1)) as T[];
    };
    return nest(0);
  }
}

/**
 * A typed array of `length` zeros for elements of a type.
 */
export function allocate(dtype: NdType, length: number): NdData {
  return new arrays[dtype](length);
}

function fits(dtype: NdType, data: NdData): boolean {
  return data instanceof arrays[dtype];
}
