/**
 * A notation of values in JSON that loses nothing: what JSON lacks is an object with one key that begins with "$".
 *
 *     { "$int": "9007199254740993" }    an integer of 2^53 or more in size
 *     { "$float": "0.1" }               a float, as Python prints it: also 1.0, 1e+300, -0.0, nan, inf, -inf
 *     { "$bytes": "00ff" }              bytes, in hexadecimal digits
 *     { "$map": [[key, value], …] }     every map, order kept; keys are values too
 *     { "$set": […] }                   a set; when written a sorted list
 *     { "$tuple": […] }                 a list
 *     { "$repeat": [value, n] }         a list of n times the same value
 *     { "$timestamp": [seconds, nanoseconds] }
 *     { "$ext": [type, "hex"] }  { "$tag": [number, value] }  { "$simple": n }  { "$undefined": true }
 *     { "$ndarray": { "dtype": …, "shape": […], "data": […] } }
 */
import { PeekpackError } from "../errors.js";
import { NdArray, type NdType } from "../nd-array.js";
import { Ext, Float64, float64, Simple, Tagged, Timestamp } from "../values.js";

/** A value in the notation: what `JSON.parse` gives. */
export type TaggedJson = null | boolean | number | string | TaggedJson[] | { [tag: string]: TaggedJson };

/** How the notation becomes values. */
export interface FromTaggedOptions {
  /** Whether integral floats become `float64(n)`, so that they are written as floats (the default), or plain numbers. */
  readonly floats?: "mark" | "number";
  /**
   * `auto` (the default): a plain object wherever one keeps the keys and their order, else a Map. `map`: always a Map.
   */
  readonly maps?: "auto" | "map";
}

/**
 * The value that a notation stands for.
 *
 * @throws PeekpackError unsupported-value, with the path of what is no notation
 */
export function fromTagged(json: unknown, options: FromTaggedOptions = {}): unknown {
  const read = (node: unknown, path: readonly (string | number)[]): unknown => {
    try {
      return convert(node, path);
    } catch (error) {
      if (error instanceof PeekpackError) throw error;
      // What a constructor says of its arguments.
      throw new PeekpackError("unsupported-value", `${(error as Error).message} (at ${at(path)})`, { path });
    }
  };
  const convert = (node: unknown, path: readonly (string | number)[]): unknown => {
    const wrong = (what: string): never => {
      throw new PeekpackError("unsupported-value", `${what} (at ${at(path)})`, { path });
    };
    const list = (items: unknown, below = path): unknown[] =>
      Array.isArray(items) ? items.map((item, i) => read(item, [...below, i])) : wrong("a list is expected");
    if (node === null || typeof node === "boolean" || typeof node === "string") return node;
    if (typeof node === "number") {
      return Number.isSafeInteger(node) ? node : wrong(`${node} needs "$int" or "$float"`);
    }
    if (Array.isArray(node)) return list(node);
    const [tag, ...more] = Object.keys(node as object);
    if (tag === undefined || more.length > 0)
      return wrong('an object has one key: maps are written {"$map": …}');
    const content = (node as Record<string, unknown>)[tag];
    const below = [...path, tag];
    const pair = Array.isArray(content) && content.length === 2 ? content : [];
    switch (tag) {
      case "$int":
        return typeof content === "string" && /^-?\d+$/.test(content)
          ? BigInt(content)
          : wrong("$int takes decimal digits");
      case "$float": {
        const value = typeof content === "string" ? parseFloatText(content) : undefined;
        if (value === undefined) return wrong("$float takes a text like 0.1, -0.0, 1e+300, nan, inf");
        const marked = options.floats !== "number" && Number.isSafeInteger(value) && !Object.is(value, -0);
        return marked ? float64(value) : value;
      }
      case "$bytes":
        return fromHex(content) ?? wrong("$bytes takes hexadecimal digits");
      case "$map": {
        if (!Array.isArray(content)) return wrong("$map takes a list of pairs");
        return mapOfEntries(
          content.map((entry, i) => {
            const items = list(entry, [...below, i]);
            return items.length === 2 ? (items as [unknown, unknown]) : wrong("$map takes a list of pairs");
          }),
          options.maps ?? "auto",
        );
      }
      case "$tuple":
        return list(content, below);
      case "$set":
        return new Set(list(content, below));
      case "$repeat":
        return Number.isSafeInteger(pair[1]) && pair[1] >= 0 && pair[1] < 2 ** 32
          ? new Array<unknown>(pair[1]).fill(read(pair[0], [...below, 0]))
          : wrong("$repeat takes a value and a number");
      case "$timestamp":
        return Number.isSafeInteger(pair[0]) && Number.isSafeInteger(pair[1])
          ? instant(pair[0], pair[1])
          : wrong("$timestamp takes seconds and nanoseconds");
      case "$ext": {
        const data = fromHex(pair[1]);
        return data && Number.isInteger(pair[0])
          ? new Ext(pair[0], data)
          : wrong("$ext takes a type and digits");
      }
      case "$tag": {
        const number = pair.length === 2 ? read(pair[0], [...below, 0]) : undefined;
        return typeof number === "number" || typeof number === "bigint"
          ? new Tagged(number, read(pair[1], [...below, 1]) as Tagged["value"])
          : wrong("$tag takes a number and a value");
      }
      case "$undefined":
        return undefined;
      case "$simple":
        return typeof content === "number" ? new Simple(content) : wrong("$simple takes a number");
      case "$ndarray":
        return (
          toNdArray(content, (data) => list(data, below)) ?? wrong("$ndarray takes dtype, shape and data")
        );
      default:
        return wrong(`${JSON.stringify(tag)} is no notation of a value: maps are written {"$map": …}`);
    }
  };
  return read(json, []);
}

/**
 * A value in the notation, ready for `JSON.stringify`. An integral number within ±(2^53 − 1) that is not −0 is noted as
 * an integer: a JavaScript number does not say whether it was read from a float.
 *
 * @throws PeekpackError unsupported-value for what is no value of an archive: functions, symbols, class instances
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
  if (value instanceof Map)
    return { $map: Array.from(value, ([key, item]) => [toTagged(key), toTagged(item)]) };
  if (value instanceof Set) return { $set: Array.from(value, toTagged) };
  if (value instanceof Date) {
    const seconds = Math.floor(value.getTime() / 1000);
    return { $timestamp: [seconds, (value.getTime() - seconds * 1000) * 1e6] };
  }
  if (value instanceof Timestamp) return { $timestamp: [toTagged(value.seconds), value.nanoseconds] };
  if (value instanceof Ext) return { $ext: [value.type, toHex(value.data)] };
  if (value instanceof Tagged) return { $tag: [toTagged(value.tag), toTagged(value.value)] };
  if (value instanceof Simple) return { $simple: value.value };
  if (value instanceof NdArray) {
    const { dtype, shape, data } = value;
    const item = (element: number | bigint): TaggedJson =>
      dtype === "bool"
        ? element !== 0
        : dtype.startsWith("float")
          ? { $float: floatText(element as number) }
          : toTagged(element);
    return { $ndarray: { dtype, shape: [...shape], data: Array.from(data as ArrayLike<number>, item) } };
  }
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
  throw new PeekpackError("unsupported-value", `no archive holds ${String(value).slice(0, 60)}`);
}

function at(path: readonly (string | number)[]): string {
  return path.join("/") || "the root";
}

/** A plain object where it keeps keys and order: text keys only, none twice, none that JavaScript sorts to the front. */
function mapOfEntries(entries: [unknown, unknown][], maps: "auto" | "map"): unknown {
  const plain =
    maps === "auto" &&
    entries.every(([key]) => typeof key === "string" && !/^(0|[1-9]\d{0,9})$/.test(key)) &&
    new Set(entries.map(([key]) => key)).size === entries.length;
  // fromEntries defines "__proto__" as an own key.
  return plain ? Object.fromEntries(entries) : new Map(entries);
}

/** A Date where milliseconds hold the instant, else a Timestamp. */
function instant(seconds: number, nanoseconds: number): Date | Timestamp {
  const timestamp = new Timestamp(seconds, nanoseconds);
  const date = timestamp.toDate();
  return nanoseconds % 1e6 === 0 && !Number.isNaN(date.getTime()) ? date : timestamp;
}

function toNdArray(content: unknown, list: (data: unknown) => unknown[]): NdArray | undefined {
  const { dtype, shape, data } = (content ?? {}) as { dtype: NdType; shape: number[]; data: unknown };
  const elements = list(data).map((element) => (element instanceof Float64 ? element.value : element));
  const arrays = {
    int8: Int8Array,
    uint8: Uint8Array,
    int16: Int16Array,
    uint16: Uint16Array,
    int32: Int32Array,
    uint32: Uint32Array,
    float16: Float32Array,
    float32: Float32Array,
    float64: Float64Array,
  };
  if (dtype === "int64" || dtype === "uint64") {
    const integers = elements.map((element) => BigInt(element as number));
    const wide = dtype === "int64" ? BigInt64Array.from(integers) : BigUint64Array.from(integers);
    return new NdArray(wide, shape, dtype);
  }
  if (dtype === "bool") return new NdArray(Uint8Array.from(elements, Number), shape, dtype);
  return Object.hasOwn(arrays, dtype)
    ? new NdArray(arrays[dtype].from(elements as number[]), shape, dtype)
    : undefined;
}

/** A float as Python's `repr` prints it: the shortest digits that tell it from its neighbours. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits, power] = value.toExponential().split("e") as [string, string];
  const exponent = Number(power);
  // Python keeps to plain digits from 1e-4 up to 1e16.
  if (exponent < -4 || exponent >= 16) {
    return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  // JavaScript from 1e-6 up to 1e21.
  const plain = String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}

function parseFloatText(text: string): number | undefined {
  if (text === "nan") return Number.NaN;
  if (text === "inf" || text === "-inf") return Number(text.replace("inf", "Infinity"));
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text: unknown): Uint8Array | undefined {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(i * 2, i * 2 + 2), 16),
  );
}
