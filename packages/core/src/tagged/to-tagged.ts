import { PeekpackError } from "../errors.js";
import { NdArray } from "../nd-array.js";
import { Ext, Float64, float64, Simple, Tagged, Timestamp } from "../values.js";
import { floatText } from "./float-text.js";
import { toHex } from "./hex.js";
import type { TaggedJson } from "./tagged-json.js";

/**
 * Converts a value to the tagged notation, ready for `JSON.stringify`. An integral number within ±(2^53 − 1) that is not
 * −0 becomes an integer, because a JavaScript number does not tell whether it was a float.
 *
 * @throws PeekpackError `unsupported-value` for functions, symbols and class instances
 */
export function toTagged(value: unknown): TaggedJson {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (value === undefined) return { $undefined: true };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : { $float: floatText(value) };
  }
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : { $int: String(value) };
  }
  if (value instanceof Float64) return { $float: floatText(value.value) };
  if (value instanceof Uint8Array) return { $bytes: toHex(value) };
  if (Array.isArray(value)) return value.map(toTagged);
  if (value instanceof Map) {
    return { $map: Array.from(value, ([key, item]) => [toTagged(key), toTagged(item)]) };
  }
  if (value instanceof Set) return { $set: Array.from(value, toTagged) };
  if (value instanceof Date) {
    const seconds = Math.floor(value.getTime() / 1000);
    return { $timestamp: [seconds, (value.getTime() - seconds * 1000) * 1e6] };
  }
  if (value instanceof Timestamp) return { $timestamp: [toTagged(value.seconds), value.nanoseconds] };
  if (value instanceof Ext) return { $ext: [value.type, toHex(value.data)] };
  if (value instanceof Tagged) return { $tag: [toTagged(value.tag), toTagged(value.value)] };
  if (value instanceof Simple) return { $simple: value.value };
  if (NdArray.is(value)) return { $ndarray: arrayToTagged(value) };
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return toTagged(
      value instanceof Float32Array || value instanceof Float64Array
        ? Array.from(value, float64)
        : Array.from(value as unknown as Iterable<number>),
    );
  }
  const prototype = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  if (prototype === null || prototype === Object.prototype) {
    return { $map: Object.entries(value as object).map(([key, item]) => [key, toTagged(item)]) };
  }
  throw new PeekpackError(
    "unsupported-value",
    `An archive cannot hold this value: ${String(value).slice(0, 60)}`,
  );
}

function arrayToTagged({ dtype, shape, data }: NdArray): TaggedJson {
  const element = (stored: number | bigint): TaggedJson => {
    if (dtype === "bool") return stored !== 0;
    return dtype.startsWith("float") ? { $float: floatText(stored as number) } : toTagged(stored);
  };
  return { dtype, shape: [...shape], data: Array.from(data as ArrayLike<number | bigint>, element) };
}
