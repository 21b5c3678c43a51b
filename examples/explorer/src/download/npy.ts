import { LazyList, NdArray, type NdType, PeekpackError, type ReadOptions, type Value } from "@peekpack/core";
import { isNumber } from "../numbers/series.js";

/** Items of a list that are read at once. */
const WINDOW = 16_384;

/** The types of numpy, little-endian, by the types of arrays. */
const TYPES: Readonly<Record<NdType, string>> = {
  bool: "|b1",
  int8: "|i1",
  uint8: "|u1",
  int16: "<i2",
  uint16: "<u2",
  int32: "<i4",
  uint32: "<u4",
  int64: "<i8",
  uint64: "<u8",
  // A page holds them as 32-bit floats, which have each of their values.
  float16: "<f4",
  float32: "<f4",
  float64: "<f8",
};

/**
 * A list of numbers, equally long lists of numbers nested to any depth, or an array, as a file of numpy (NPY 1.0), in chunks.
 * Numbers of lists are 64-bit floats; if one of the first is an integer beyond ±(2^53 − 1), all are 64-bit integers.
 * @throws PeekpackError `unsupported-value` if the type does not hold an item exactly, or lists are not equally long
 */
export async function* npyBytes(
  value: LazyList | Value,
  options: ReadOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (NdArray.is(value)) {
    yield header(TYPES[value.dtype], value.shape);
    const { buffer, byteOffset, byteLength } = value.data;
    yield new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    return;
  }
  const length = value instanceof LazyList || Array.isArray(value) ? value.length : -1;
  if (length < 0) throw misfit("NPY holds lists of numbers and arrays, and nothing else.");
  let inner: readonly number[] = [];
  let type: "float64" | "int64" | "uint64" = "float64";
  for (let from = 0; from < length; from += WINDOW) {
    const to = Math.min(from + WINDOW, length);
    const items = (await windowOf(value as LazyList | Value[], from, to, options)) as Value[];
    options.signal?.throwIfAborted();
    if (from === 0) {
      inner = shapeOf(items[0]);
      const flat = items.flatMap((item, i) => numbersOf(item, inner, i));
      if (flat.some((item) => typeof item === "bigint")) {
        type = flat.some((item) => item > 0x7fff_ffff_ffff_ffffn) ? "uint64" : "int64";
      }
      yield header(TYPES[type], [length, ...inner]);
    }
    yield encoded(
      items.flatMap((item, i) => numbersOf(item, inner, from + i)),
      type,
      from,
    );
  }
  if (length === 0) yield header(TYPES.float64, [0]);
}

async function windowOf(
  list: LazyList | Value[],
  from: number,
  to: number,
  options: ReadOptions,
): Promise<Value[]> {
  if (!(list instanceof LazyList)) return list.slice(from, to);
  const items = await list.slice(from, to, options);
  return Promise.all(
    items.map((item) => (item instanceof LazyList ? item.toValue(options) : (item as Value))),
  );
}

function shapeOf(item: Value): readonly number[] {
  if (NdArray.is(item)) return item.shape;
  if (!Array.isArray(item)) return [];
  return [item.length, ...shapeOf(item[0])];
}

/** The numbers of an item, row by row. */
function numbersOf(item: Value, shape: readonly number[], index: number): (number | bigint)[] {
  const plain = NdArray.is(item) ? (item.toNested() as Value) : item;
  const [length, ...inner] = shape;
  if (length === undefined) {
    if (isNumber(plain)) return [plain];
    throw misfit(`Item ${index} is not a number: NPY holds numbers and nothing else.`);
  }
  if (!Array.isArray(plain) || plain.length !== length) {
    throw misfit(`Item ${index} has another shape than the first: NPY holds equally long lists.`);
  }
  return plain.flatMap((part) => numbersOf(part, inner, index));
}

function encoded(
  items: readonly (number | bigint)[],
  type: "float64" | "int64" | "uint64",
  from: number,
): Uint8Array<ArrayBuffer> {
  if (type === "float64") {
    const wide = items.findIndex((item) => typeof item === "bigint");
    if (wide < 0) return new Uint8Array(Float64Array.from(items as number[]).buffer);
    throw misfit(`A 64-bit float would round ${items[wide]}, at or after item ${from}.`);
  }
  const exact = type === "int64" ? BigInt64Array.of(0n) : BigUint64Array.of(0n);
  const wide = items.map((item) => {
    const integer = typeof item === "bigint" ? item : Number.isSafeInteger(item) ? BigInt(item) : undefined;
    if (integer !== undefined) exact[0] = integer;
    if (integer !== undefined && exact[0] === integer) return integer;
    throw misfit(`${item}, at or after item ${from}, is not one of the ${type} that the list began with.`);
  });
  return new Uint8Array((type === "int64" ? BigInt64Array.from(wide) : BigUint64Array.from(wide)).buffer);
}

/** The header of NPY 1.0: its length makes the data begin at a multiple of 64. */
function header(type: string, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const padded = `${text}${" ".repeat(63 - ((10 + text.length) % 64))}\n`;
  const bytes = new Uint8Array(10 + padded.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 0xff, padded.length >> 8]);
  bytes.set(new TextEncoder().encode(padded), 10);
  return bytes;
}

function misfit(message: string): PeekpackError {
  return new PeekpackError("unsupported-value", message);
}
