import { isNdArray, ndArrayBrand } from "./nd-array-brand.js";
import { NUMBER_ARRAYS, type NumberArrays, type NumberType } from "./number-arrays.js";

/** A typed array of the kinds that an {@link NdArray} holds. */
export type NdData = NumberArrays[NumberType];

/** The name of an element type, as numpy spells it, without byte order. */
export type NdType = NumberType | "bool" | "float16";

/** One element: a boolean of `bool`, a bigint beyond ±(2^53 − 1), else a number. */
export type NdElement = number | bigint | boolean;

/** An element, or lists of elements nested as deep as the shape is long. */
export type Nested = NdElement | Nested[];

/** Rows nested as deep as the shape is long, the innermost as typed arrays (`bool` as a list); an element without dimensions. */
export type Rows = NdData | boolean[] | Rows[] | NdElement;

/**
 * The typed array for each element type: bool as 0 and 1, float16 widened to 32 bits. The first type that fits is the default
 * of a typed array.
 */
const arrays = /* @__PURE__ */ Object.assign({}, NUMBER_ARRAYS, { float16: Float32Array, bool: Uint8Array });

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
   * Gives a typed array a shape. The array is kept, not copied.
   *
   * @param shape default: one dimension of `data.length`
   * @param dtype default: the type of `data`; `bool` is for a Uint8Array of 0 and 1, `float16` for a Float32Array
   * @throws RangeError if the shape does not hold exactly the elements; TypeError if `dtype` does not fit `data`
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

  /** Whether a value is an NdArray, also of another copy of this package. A map with the same keys is not one. */
  static is(value: unknown): value is NdArray {
    return isNdArray(value);
  }

  /**
   * Returns the element at one index for each dimension.
   * @throws RangeError if there are more or fewer indices than dimensions, or one is outside of its dimension
   */
  item(...indices: readonly number[]): NdElement {
    const { shape } = this;
    if (indices.length !== shape.length) {
      throw new RangeError(`an array of ${shape.length} dimensions takes ${shape.length} indices`);
    }
    const offset = indices.reduce((offset, index, dimension) => {
      const length = shape[dimension]!;
      if (!Number.isInteger(index) || index < 0 || index >= length) {
        throw new RangeError(`the index ${index} is outside of a dimension of ${length}`);
      }
      return offset * length + index;
    }, 0);
    return this.#element(this.data[offset]!);
  }

  /**
   * Returns the elements as nested lists, like numpy's `tolist()`: booleans of `bool`, numbers of integers within
   * ±(2^53 − 1), bigints of others. An array without dimensions gives its element.
   */
  toNested(): Nested {
    const plain = (row: NdData): NdElement[] =>
      Array.from(row as ArrayLike<number | bigint>, (element) => this.#element(element));
    return this.shape.length === 0 ? this.item() : this.#nest<Nested>(plain);
  }

  /** Returns the elements as nested lists whose innermost rows are views of `data`. */
  toRows(): Rows {
    const { dtype } = this;
    if (this.shape.length === 0) return dtype === "bool" ? this.item() : this.data[0]!;
    return this.#nest<Rows>((row) => (dtype === "bool" ? Array.from(row as Uint8Array, Boolean) : row));
  }

  #element(stored: number | bigint): NdElement {
    if (this.dtype === "bool") return stored !== 0;
    return typeof stored === "bigint" && Number.isSafeInteger(Number(stored)) ? Number(stored) : stored;
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

// On the prototype: arrays compare and print by their elements alone.
Object.defineProperty(NdArray.prototype, ndArrayBrand, { value: true });

/** Returns a typed array of `length` zeros for elements of a type. */
export function allocate(dtype: NdType, length: number): NdData {
  return new arrays[dtype](length);
}

function fits(dtype: NdType, data: NdData): boolean {
  return data instanceof arrays[dtype];
}
