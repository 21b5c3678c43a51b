import { exactHeadValue, headSize, headValue } from "../codec/cbor-head.js";
import { PeekpackError } from "../errors.js";
import { fromFloat16 } from "../float16.js";
import type { Protocol } from "../format/header.js";
import { NUMBER_ARRAYS, type NumberArrays, type NumberType } from "../number-arrays.js";

/** The typed array for a type of numbers. */
export type NumberArrayOf<T extends NumberType> = NumberArrays[T];

/**
 * Makes a typed array of `length` zeros.
 *
 * `length` often comes from an archive, which may be damaged: `maximum` is what the caller can vouch for, at most the number of
 * bytes that hold the items (each takes a byte at least) and the limit `maxItems`.
 * @throws PeekpackError `limit` if `length` is larger than `maximum`, or than the engine's largest array
 * @throws TypeError if the type is unknown
 */
export function numberArray<T extends NumberType>(
  type: T,
  length: number,
  maximum: number = Number.POSITIVE_INFINITY,
): NumberArrayOf<T> {
  if (!Object.hasOwn(NUMBER_ARRAYS, type)) {
    throw new TypeError(`The type of a typed array is one of ${Object.keys(NUMBER_ARRAYS).join(", ")}.`);
  }
  if (length > maximum) {
    throw new PeekpackError("limit", `A list of ${length} items; at most ${maximum} are expected.`, {
      section: "data",
    });
  }
  try {
    return new NUMBER_ARRAYS[type](length);
  } catch (cause) {
    throw new PeekpackError("limit", `There is no memory for ${length} numbers.`, { section: "data", cause });
  }
}

/** Stores a decoded value in a typed array. @throws PeekpackError `unsupported-value` if it is no number, or does not fit */
export function setNumber(
  array: NumberArrayOf<NumberType>,
  type: NumberType,
  index: number,
  value: unknown,
): void {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new PeekpackError("unsupported-value", `Item ${index} is not a number.`, { section: "data" });
  }
  if (type === "float64" || type === "float32") {
    array[index] = Number(value);
    return;
  }
  const wide = type === "int64" || type === "uint64";
  const fits = wide ? typeof value === "bigint" || Number.isSafeInteger(value) : true;
  if (fits) {
    const stored = wide ? BigInt(value) : Number(value);
    array[index] = stored;
    // biome-ignore lint/suspicious/noDoubleEquals: 2 and 2n are the same number
    if (array[index] == stored && stored == value) return;
  }
  throw new PeekpackError("unsupported-value", `Item ${index} (${value}) does not fit into ${type}.`, {
    section: "data",
  });
}

/**
 * Reads `count` numbers that fill `bytes` exactly into a typed array, from `index` on. No value is made for a number, so that
 * this is several times faster than decoding (benchmarks, "column").
 * @throws PeekpackError `unsupported-value`, `corrupt`
 */
export function readNumbers<T extends NumberType>(
  bytes: Uint8Array,
  protocol: Protocol,
  count: number,
  type: T,
  array: NumberArrayOf<T>,
  index: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = bytes.length;
  const end = index + count;
  const floats =
    type === "float64"
      ? readFloats(bytes, view, protocol === "cbor" ? 0xfb : 0xcb, count, array as Float64Array, index)
      : 0;
  let at = floats * 9;
  let next = index + floats;
  const one = { value: 0 as number | bigint };
  while (next < end) {
    const width = at < size ? (protocol === "cbor" ? cborWidth(bytes[at]!) : msgpackWidth(bytes[at]!)) : 0;
    if (width < 0) {
      throw new PeekpackError("unsupported-value", `Item ${next} is not a number.`, { section: "data" });
    }
    if (width === 0 || at + width > size) {
      throw new PeekpackError("corrupt", `A block ends before its item ${next}.`, { section: "data" });
    }
    if (protocol === "cbor") cborNumber(view, at, one);
    else msgpackNumber(view, at, one);
    setNumber(array, type, next++, one.value);
    at += width;
  }
  if (at !== size) {
    throw new PeekpackError("corrupt", `${size - at} bytes follow the items of a block.`, {
      section: "data",
    });
  }
}

/**
 * Reads 64-bit floats up to the first other item, and returns how many it read. Four at a time take half as long as a loop
 * that branches on each number's type (benchmarks, "column").
 */
function readFloats(
  bytes: Uint8Array,
  view: DataView,
  tag: number,
  count: number,
  floats: Float64Array,
  index: number,
): number {
  const maximum = Math.min(count, Math.floor(bytes.length / 9));
  let done = 0;
  let at = 0;
  for (; done + 4 <= maximum; done += 4, at += 36) {
    const others =
      (bytes[at]! ^ tag) | (bytes[at + 9]! ^ tag) | (bytes[at + 18]! ^ tag) | (bytes[at + 27]! ^ tag);
    if (others !== 0) break;
    const to = index + done;
    floats[to] = view.getFloat64(at + 1);
    floats[to + 1] = view.getFloat64(at + 10);
    floats[to + 2] = view.getFloat64(at + 19);
    floats[to + 3] = view.getFloat64(at + 28);
  }
  for (; done < maximum && bytes[at] === tag; at += 9) floats[index + done++] = view.getFloat64(at + 1);
  return done;
}

/** The size of a number by its first byte; −1 for another item. */
function msgpackWidth(type: number): number {
  if (type < 0x80 || type >= 0xe0) return 1;
  if (type === 0xca) return 5;
  if (type === 0xcb) return 9;
  return type >= 0xcc && type <= 0xd3 ? 1 + (1 << ((type - 0xcc) & 3)) : -1;
}

function msgpackNumber(view: DataView, at: number, into: { value: number | bigint }): void {
  const type = view.getUint8(at);
  into.value =
    type < 0x80
      ? type
      : type >= 0xe0
        ? type - 0x100
        : type === 0xca
          ? view.getFloat32(at + 1)
          : type === 0xcb
            ? view.getFloat64(at + 1)
            : integer(view, at + 1, (type - 0xcc) & 3, type >= 0xd0);
}

/** An integer of 2^`log` bytes. */
function integer(view: DataView, at: number, log: number, signed: boolean): number | bigint {
  if (log === 3) return signed ? view.getBigInt64(at) : view.getBigUint64(at);
  if (log === 0) return signed ? view.getInt8(at) : view.getUint8(at);
  if (log === 1) return signed ? view.getInt16(at) : view.getUint16(at);
  return signed ? view.getInt32(at) : view.getUint32(at);
}

function cborWidth(type: number): number {
  const isNumber = type < 0x40 ? (type & 31) < 28 : type >= 0xf9 && type <= 0xfb;
  return isNumber ? headSize(type) : -1;
}

function cborNumber(view: DataView, at: number, into: { value: number | bigint }): void {
  const type = view.getUint8(at);
  if (type === 0xfb) into.value = view.getFloat64(at + 1);
  else if (type === 0xfa) into.value = view.getFloat32(at + 1);
  else if (type === 0xf9) into.value = fromFloat16(view.getUint16(at + 1));
  else {
    const value = exactHeadValue(view, at, headValue(view, at));
    into.value = type < 0x20 ? value : typeof value === "bigint" ? -1n - value : -1 - value;
  }
}
