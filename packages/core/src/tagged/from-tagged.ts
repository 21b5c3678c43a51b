import { PeekpackError } from "../errors.js";
import { allocate, NdArray, type NdType } from "../nd-array.js";
import { NUMBER_ARRAYS } from "../number-arrays.js";
import { Ext, Float64, float64, instant, Simple, Tagged, Timestamp, type Value } from "../values.js";
import { parseFloatText } from "./float-text.js";
import { fromHex } from "./hex.js";

/** How the notation becomes values. */
export interface FromTaggedOptions {
  /**
   * What an integral float becomes. `mark` (the default): `float64(n)`, which is written as a float. `number`: a plain
   * number.
   */
  readonly floats?: "mark" | "number";
  /**
   * What a map becomes. `auto` (the default): a plain object if it keeps all keys and their order, else a Map. `map`:
   * always a Map.
   */
  readonly maps?: "auto" | "map";
}

/** Keys and indices from the root of the JSON to a node of it. */
type JsonPath = readonly (string | number)[];

const TYPES: ReadonlySet<unknown> = new Set([...Object.keys(NUMBER_ARRAYS), "bool", "float16"]);

/**
 * Converts the tagged notation to the value that it stands for.
 *
 * @throws PeekpackError `unsupported-value` for JSON that is not in the notation; its `path` leads to the fault
 */
export function fromTagged(json: unknown, options: FromTaggedOptions = {}): unknown {
  return new TaggedReader(options).read(json, []);
}

class TaggedReader {
  readonly #options: FromTaggedOptions;

  constructor(options: FromTaggedOptions) {
    this.#options = options;
  }

  read(node: unknown, path: JsonPath): unknown {
    try {
      return this.#convert(node, path);
    } catch (error) {
      if (error instanceof PeekpackError) throw error;
      // A constructor refused its arguments.
      throw fault((error as Error).message, path, error);
    }
  }

  #convert(node: unknown, path: JsonPath): unknown {
    if (node === null || typeof node === "boolean" || typeof node === "string") return node;
    if (typeof node === "number") {
      if (!Number.isSafeInteger(node)) throw fault(`${node} needs "$int" or "$float"`, path);
      return node;
    }
    if (Array.isArray(node)) return this.#list(node, path);
    const [tag, ...more] = Object.keys(node as object);
    if (tag === undefined || more.length > 0) {
      throw fault('an object has one key; a map is written {"$map": …}', path);
    }
    return this.#tagged(tag, (node as Record<string, unknown>)[tag], path);
  }

  #tagged(tag: string, content: unknown, path: JsonPath): unknown {
    const below = [...path, tag];
    const text = typeof content === "string" ? content : undefined;
    const pair = Array.isArray(content) && content.length === 2 ? content : [];
    const wrong = (what: string): PeekpackError => fault(`${tag} takes ${what}`, path);
    switch (tag) {
      case "$int":
        if (text === undefined || !/^-?\d+$/.test(text)) throw wrong("decimal digits");
        return BigInt(text);
      case "$float": {
        const value = text === undefined ? undefined : parseFloatText(text);
        if (value === undefined) throw wrong("a text like 0.1, -0.0, 1e+300, nan, inf");
        const isMarked =
          this.#options.floats !== "number" && Number.isSafeInteger(value) && !Object.is(value, -0);
        return isMarked ? float64(value) : value;
      }
      case "$bytes": {
        const bytes = text === undefined ? undefined : fromHex(text);
        if (bytes === undefined) throw wrong("hexadecimal digits");
        return bytes;
      }
      case "$map": {
        if (!Array.isArray(content)) throw wrong("a list of pairs");
        const entries = content.map((entry, i) => {
          const items = this.#list(entry, [...below, i], path);
          if (items.length !== 2) throw wrong("a list of pairs");
          return items as [unknown, unknown];
        });
        return this.#map(entries);
      }
      case "$tuple":
        return this.#list(content, below, path);
      case "$set":
        return new Set(this.#list(content, below, path));
      case "$repeat": {
        const [item, count] = pair;
        if (!Number.isSafeInteger(count) || count < 0 || count >= 2 ** 32) {
          throw wrong("a value and a number");
        }
        return new Array<unknown>(count).fill(this.read(item, [...below, 0]));
      }
      case "$timestamp": {
        const [seconds, nanoseconds] = pair;
        if (!Number.isSafeInteger(seconds) || !Number.isSafeInteger(nanoseconds)) {
          throw wrong("seconds and nanoseconds");
        }
        // The constructor checks the range, also for an instant that becomes a Date.
        const timestamp = new Timestamp(seconds, nanoseconds);
        return instant(timestamp.seconds, timestamp.nanoseconds);
      }
      case "$ext": {
        const data = typeof pair[1] === "string" ? fromHex(pair[1]) : undefined;
        if (data === undefined || !Number.isInteger(pair[0])) throw wrong("a type and hexadecimal digits");
        return new Ext(pair[0], data);
      }
      case "$tag": {
        const number = pair.length === 2 ? this.read(pair[0], [...below, 0]) : undefined;
        if (typeof number !== "number" && typeof number !== "bigint") throw wrong("a number and a value");
        return new Tagged(number, this.read(pair[1], [...below, 1]) as Value);
      }
      case "$undefined":
        return undefined;
      case "$simple":
        if (typeof content !== "number") throw wrong("a number");
        return new Simple(content);
      case "$ndarray": {
        const { dtype, shape, data } = (content ?? {}) as { dtype: NdType; shape: number[]; data: unknown };
        if (!TYPES.has(dtype)) throw wrong("dtype, shape and data");
        return arrayOf(dtype, shape, this.#list(data, below, path));
      }
      default:
        throw fault(`${JSON.stringify(tag)} is not in the notation; a map is written {"$map": …}`, path);
    }
  }

  #list(items: unknown, path: JsonPath, parent: JsonPath = path): unknown[] {
    if (!Array.isArray(items)) throw fault("a list is expected", parent);
    return items.map((item, i) => this.read(item, [...path, i]));
  }

  /** A plain object if it keeps the keys and their order: distinct text keys that JavaScript does not move to the front. */
  #map(entries: [unknown, unknown][]): unknown {
    const isPlain =
      this.#options.maps !== "map" &&
      entries.every(([key]) => typeof key === "string" && !/^(0|[1-9]\d{0,9})$/.test(key)) &&
      new Set(entries.map(([key]) => key)).size === entries.length;
    // fromEntries defines "__proto__" as an own key.
    return isPlain ? Object.fromEntries(entries) : new Map(entries);
  }
}

function arrayOf(dtype: NdType, shape: number[], elements: readonly unknown[]): NdArray {
  const data = allocate(dtype, elements.length);
  const isWide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (const [i, element] of elements.entries()) {
    const plain = element instanceof Float64 ? element.value : element;
    data[i] = isWide ? BigInt(plain as number) : Number(plain);
  }
  return new NdArray(data, shape, dtype);
}

function fault(what: string, path: JsonPath, cause?: unknown): PeekpackError {
  return new PeekpackError("unsupported-value", `${what} (at ${path.join("/") || "the root"})`, {
    path,
    ...(cause === undefined ? {} : { cause }),
  });
}
