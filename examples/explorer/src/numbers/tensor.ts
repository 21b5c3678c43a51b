import { NdArray, type Value } from "@peekpack/core";
import { isNumber } from "./series.js";
import { atOnce, STEP, type Steps } from "./steps.js";

/** Numbers in at least two dimensions. The last dimension varies fastest. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number | bigint>;
  /** Whether the numbers are bytes. Undefined if the values do not say their type. */
  readonly bytes: boolean | undefined;
}

/** Numbers in rows and columns. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  /** The number in a cell. NaN for null. */
  at(row: number, column: number, channel?: number): number;
  /** 3 or 4 if the cells are colors, 1 if they are numbers. */
  readonly channels: 1 | 3 | 4;
}

/** The greatest value of a channel, if the cells of a tensor are colors. Undefined if they are not. */
export type ColorScale = 1 | 255;

const MAX_DIMENSIONS = 8;

/** An array of numbers, or lists of equally long lists of numbers, as a tensor. Undefined for other values. */
export function tensorOf(value: Value): Tensor | undefined {
  return atOnce(tensorSteps(value));
}

/** As {@link tensorOf}, in steps. */
export function* tensorSteps(value: Value): Steps<Tensor | undefined> {
  if (NdArray.is(value)) {
    const { data, shape, dtype } = value;
    return shape.length < 2 || shape.includes(0)
      ? undefined
      : { shape, data: data as ArrayLike<number | bigint>, bytes: dtype === "uint8" };
  }
  if (!Array.isArray(value)) return undefined;
  const shape: number[] = [];
  for (let at: Value = value; ; ) {
    if (NdArray.is(at)) {
      shape.push(...at.shape);
      break;
    }
    if (!Array.isArray(at)) break;
    if (at.length === 0 || shape.length === MAX_DIMENSIONS) return undefined;
    shape.push(at.length);
    at = at[0];
  }
  if (shape.length < 2) return undefined;
  const data = new Float64Array(shape.reduce((product, length) => product * length, 1));
  return (yield* flatten(value, shape, data)) ? { shape, data, bytes: undefined } : undefined;
}

/** Writes nested lists into an array. @returns false if they are not all as `shape` says */
function* flatten(value: Value, shape: readonly number[], data: Float64Array): Steps<boolean> {
  let at = 0;
  let pause = STEP;
  /** Writes lists of lists of numbers. */
  function* writeLists(lists: Value, depth: number): Steps<boolean> {
    if (depth === shape.length - 1 || NdArray.is(lists)) {
      if (at >= pause) {
        pause = at + STEP;
        yield;
      }
      return writeNumbers(lists, depth);
    }
    if (!Array.isArray(lists) || lists.length !== shape[depth]) return false;
    for (const inner of lists) if (!(yield* writeLists(inner, depth + 1))) return false;
    return true;
  }
  /** Writes a list of numbers, or an array. */
  function writeNumbers(item: Value, depth: number): boolean {
    if (NdArray.is(item)) {
      const rest = shape.slice(depth);
      if (item.shape.length !== rest.length || item.shape.some((length, i) => length !== rest[i]))
        return false;
      for (let i = 0; i < item.data.length; i++) data[at++] = Number(item.data[i]);
      return true;
    }
    if (!Array.isArray(item) || item.length !== shape[depth]) return false;
    for (const number of item) {
      if (!isNumber(number) && number != null) return false;
      data[at++] = isNumber(number) ? Number(number) : Number.NaN;
    }
    return true;
  }
  return yield* writeLists(value, 0);
}

/**
 * Whether the last dimension of a tensor is one of colors: of length 3 or 4, with bytes, integers up to 255 or fractions
 * of 1. A matrix of three columns has no colors. In steps.
 */
export function* colorScaleOf({ shape, data, bytes }: Tensor): Steps<ColorScale | undefined> {
  const channels = shape.at(-1)!;
  if (shape.length < 3 || (channels !== 3 && channels !== 4)) return undefined;
  if (bytes === true) return 255;
  let scale: ColorScale = 1;
  let hasFractions = false;
  for (let i = 0; i < data.length; i++) {
    if (i % STEP === STEP - 1) yield;
    const value = Number(data[i]);
    if (!(value >= 0 && value <= 255)) return undefined;
    if (value > 1) scale = 255;
    if (!Number.isInteger(value)) hasFractions = true;
    if (scale === 255 && hasFractions) return undefined;
  }
  return scale;
}

/** The dimensions of a tensor that are no axes of its image. */
export function fixedDimensions(tensor: Tensor, isColor: boolean): number {
  return tensor.shape.length - (isColor ? 3 : 2);
}

/** One image of a tensor: the indices of the dimensions that are no axes choose it. A view. */
export function gridAt({ shape, data }: Tensor, at: readonly number[], isColor: boolean): Grid {
  const channels = isColor ? (shape.at(-1) as 3 | 4) : 1;
  const [rows, columns] = shape.slice(isColor ? -3 : -2) as [number, number];
  let image = 0;
  for (const [i, index] of at.entries()) image = image * shape[i]! + index;
  const start = image * rows * columns * channels;
  return {
    rows,
    columns,
    channels,
    at: (row, column, channel = 0) => Number(data[start + (row * columns + column) * channels + channel]),
  };
}
