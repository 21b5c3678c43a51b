import { outlineOf } from "../inspect/outline.js";
import { NdArray } from "../nd-array.js";
import { LazyList, LazyMap } from "../reader/handles.js";
import type { ReadOptions } from "../source/range-source.js";
import { Ext, float64, Simple, Tagged, Timestamp, type Value } from "../values.js";
import { toBase64 } from "./base64.js";
import { toHex } from "./hex.js";
import type { TaggedJson } from "./tagged-json.js";
import { toTagged } from "./to-tagged.js";

/** A value, or a handle for one. */
export type JsonInput = LazyMap | LazyList | Value;

/** What JSON lacks, and plain JSON turns into a text, a list or an object. */
export type JsonLoss =
  | "bytes"
  | "integer"
  | "instant"
  | "number"
  | "undefined"
  | "extension"
  | "set"
  | "array"
  | "key";

/** How JSON is written. */
export interface JsonOptions extends Pick<ReadOptions, "signal"> {
  /** Writes the tagged notation, which loses nothing, instead of plain JSON. */
  readonly tagged?: boolean | undefined;
  /** Spaces for each level. 0 (default): one line. */
  readonly indent?: number | undefined;
  /**
   * Called for each value that plain JSON cannot give back: byte strings, integers beyond ±(2^53 − 1), instants, NaN and the
   * infinities (`number`), undefined, extensions with tags and simple values, sets, numpy arrays, and keys that are not texts.
   */
  readonly onLoss?: ((what: JsonLoss) => void) | undefined;
}

/** Characters that are collected before they are written. */
const CHUNK = 64 * 1024;
/** Encoded bytes up to which a container is read at once and not entry by entry. */
const READ_WHOLE = 1024 * 1024;
/** Bytes that become text at a time. A multiple of 3, so that base64 needs no padding in between. */
const BYTES_CHUNK = 48 * 1024;

/**
 * A value as JSON text, in chunks. Lazy containers are read while they are written, so that an archive of any size passes
 * through little memory.
 *
 * Plain JSON follows Protocol Buffers' JSON mapping for values that JSON lacks: byte strings are base64 text, integers
 * beyond ±(2^53 − 1) decimal text, instants ISO 8601 text, and NaN and the infinities `"NaN"`, `"Infinity"`, `"-Infinity"`.
 * Sets and numpy arrays are lists. The others: undefined is null, `{"ext": type, "data": base64}`,
 * `{"tag": number, "value": …}`, `{"simple": number}`. Keys become text: numbers in decimal, byte strings in base64,
 * anything else as its own JSON. The tagged notation loses nothing.
 */
export function jsonText(value: JsonInput, options: JsonOptions = {}): AsyncGenerator<string> {
  return new JsonWriter(options).run(value);
}

/** The text of a small value in memory. */
export function shortJson(value: Value, options: JsonOptions = {}): string {
  return new JsonWriter(options).short(value);
}

/** Encoded size of the container of a handle. Infinite if its table does not say it. */
function encodedSize(handle: LazyMap | LazyList): number {
  const { range } = outlineOf(handle);
  return range === undefined ? Number.POSITIVE_INFINITY : range.end - range.start;
}

class JsonWriter {
  readonly #tagged: boolean;
  readonly #indent: number;
  readonly #lost: (what: JsonLoss) => void;
  readonly #reads: ReadOptions;
  #level = 0;
  #text = "";

  constructor({ tagged = false, indent = 0, onLoss, signal }: JsonOptions) {
    this.#tagged = tagged;
    this.#indent = indent;
    this.#lost = tagged ? () => {} : (onLoss ?? (() => {}));
    this.#reads = { signal };
  }

  async *run(value: JsonInput): AsyncGenerator<string> {
    // A slice gives a list of handles. No other value contains handles.
    if (Array.isArray(value)) yield* this.#lazyList(value as JsonInput[]);
    else yield* this.#lazy(value);
    yield this.#take();
  }

  short(value: Value): string {
    let text = "";
    for (const piece of this.#plain(value)) text += piece;
    return text + this.#take();
  }

  async *#lazy(value: JsonInput): AsyncGenerator<string> {
    if (!(value instanceof LazyMap || value instanceof LazyList)) yield* this.#plain(value);
    else if (encodedSize(value) <= READ_WHOLE) {
      yield* this.#plain(await value.toValue(this.#reads));
    } else if (value instanceof LazyMap) yield* this.#lazyMap(value);
    else yield* this.#lazyList(value);
  }

  async *#lazyMap(map: LazyMap): AsyncGenerator<string> {
    this.#openMap();
    let count = 0;
    for await (const [key, item] of map.entries(this.#reads)) {
      yield* this.#key(key, count++);
      yield* this.#lazy(item);
      this.#endEntry();
      if (this.#text.length > CHUNK) yield this.#take();
    }
    this.#closeMap(count);
  }

  async *#lazyList(list: LazyList | readonly JsonInput[]): AsyncGenerator<string> {
    this.#open("[");
    let count = 0;
    for await (const item of list instanceof LazyList ? list.values(this.#reads) : list) {
      this.#next(count++);
      yield* this.#lazy(item);
      if (this.#text.length > CHUNK) yield this.#take();
    }
    this.#close("]", count);
  }

  /** Writes a value in memory. Scalars do not get a generator: it would cost more than the scalar. */
  *#plain(value: Value): Generator<string> {
    if (typeof value === "string") yield* this.#string(value);
    else if (value === null || typeof value !== "object") this.#text += this.#scalar(value);
    else if (Array.isArray(value)) yield* this.#list(value);
    else if (value instanceof Map) yield* this.#map(value);
    else if (value instanceof Uint8Array) yield* this.#bytes(value);
    else if (value instanceof Set) {
      this.#lost("set");
      yield* this.#wrapped("$set", this.#list(value));
    } else if (NdArray.is(value)) yield* this.#array(value);
    else if (value instanceof Tagged) yield* this.#tag(value);
    else if (value instanceof Ext) yield* this.#extension(value);
    else if (value instanceof Date || value instanceof Timestamp || value instanceof Simple) {
      this.#lost(value instanceof Simple ? "extension" : "instant");
      this.#text += this.#tagged ? JSON.stringify(toTagged(value)) : plainInstant(value);
    } else yield* this.#map(Object.entries(value));
  }

  *#list(list: Iterable<Value>): Generator<string> {
    this.#open("[");
    let count = 0;
    for (const item of list) {
      this.#next(count++);
      if (typeof item === "number") this.#text += this.#scalar(item);
      else yield* this.#plain(item);
      if (this.#text.length > CHUNK) yield this.#take();
    }
    this.#close("]", count);
  }

  *#map(entries: Iterable<readonly [Value, Value]>): Generator<string> {
    this.#openMap();
    let count = 0;
    for (const [key, item] of entries) {
      yield* this.#key(key, count++);
      yield* this.#plain(item);
      this.#endEntry();
      if (this.#text.length > CHUNK) yield this.#take();
    }
    this.#closeMap(count);
  }

  #openMap(): void {
    this.#open(this.#tagged ? '{"$map":[' : "{");
  }

  *#key(key: Value, count: number): Generator<string> {
    this.#next(count);
    if (this.#tagged) {
      this.#text += "[";
      yield* this.#plain(key);
      this.#text += this.#indent > 0 ? ", " : ",";
    } else {
      if (typeof key !== "string") this.#lost("key");
      yield* this.#string(keyText(key));
      this.#text += this.#indent > 0 ? ": " : ":";
    }
  }

  #endEntry(): void {
    if (this.#tagged) this.#text += "]";
  }

  #closeMap(count: number): void {
    this.#close(this.#tagged ? "]}" : "}", count);
  }

  #scalar(value: Value): string {
    if (this.#tagged) return JSON.stringify(toTagged(value));
    if (typeof value === "number") {
      if (!Number.isFinite(value)) {
        this.#lost("number");
        return `"${value}"`;
      }
      return Object.is(value, -0) ? "-0.0" : String(value);
    }
    if (typeof value === "bigint") this.#lost("integer");
    if (value === undefined) this.#lost("undefined");
    return typeof value === "bigint" ? `"${value}"` : String(value ?? null);
  }

  *#string(text: string): Generator<string> {
    if (text.length <= CHUNK) {
      this.#text += JSON.stringify(text);
      return;
    }
    this.#text += '"';
    for (let at = 0; at < text.length; ) {
      let end = Math.min(at + CHUNK, text.length);
      // Both halves of a surrogate pair stay together.
      if (end < text.length && (text.charCodeAt(end) & 0xfc00) === 0xdc00) end++;
      this.#text += JSON.stringify(text.slice(at, end)).slice(1, -1);
      yield this.#take();
      at = end;
    }
    this.#text += '"';
  }

  *#bytes(bytes: Uint8Array): Generator<string> {
    this.#lost("bytes");
    this.#text += this.#tagged ? '{"$bytes":"' : '"';
    yield* this.#digits(bytes);
    this.#text += this.#tagged ? '"}' : '"';
  }

  /** Writes bytes as hexadecimal digits in the tagged notation, else as base64. */
  *#digits(bytes: Uint8Array): Generator<string> {
    const digits = this.#tagged ? toHex : toBase64;
    for (let at = 0; at < bytes.length; at += BYTES_CHUNK) {
      this.#text += digits(bytes.subarray(at, at + BYTES_CHUNK));
      if (this.#text.length > CHUNK) yield this.#take();
    }
  }

  *#extension({ type, data }: Ext): Generator<string> {
    this.#lost("extension");
    this.#text += this.#tagged ? `{"$ext":[${type},"` : `{"ext":${type},"data":"`;
    yield* this.#digits(data);
    this.#text += this.#tagged ? '"]}' : '"}';
  }

  *#tag({ tag, value }: Tagged): Generator<string> {
    this.#lost("extension");
    const number = this.#scalar(tag);
    this.#text += this.#tagged ? `{"$tag":[${number},` : `{"tag":${number},"value":`;
    yield* this.#plain(value);
    this.#text += this.#tagged ? "]}" : "}";
  }

  *#array(array: NdArray): Generator<string> {
    if (!this.#tagged) {
      this.#lost("array");
      yield* this.#plain(array.toNested() as Value);
      return;
    }
    const { dtype, shape, data } = array;
    this.#text += `{"$ndarray":{"dtype":${JSON.stringify(dtype)},"shape":${JSON.stringify(shape)},"data":`;
    this.#open("[");
    let count = 0;
    for (const element of data) {
      this.#next(count++);
      this.#text += JSON.stringify(taggedElement(dtype, element));
      if (this.#text.length > CHUNK) yield this.#take();
    }
    this.#close("]", count);
    this.#text += "}}";
  }

  /** Writes content that the tagged notation wraps into an object with one key. */
  *#wrapped(tag: string, content: Generator<string>): Generator<string> {
    if (this.#tagged) this.#text += `{"${tag}":`;
    yield* content;
    if (this.#tagged) this.#text += "}";
  }

  #open(bracket: string): void {
    this.#text += bracket;
    this.#level++;
  }

  #next(count: number): void {
    if (count > 0) this.#text += ",";
    this.#line();
  }

  #close(bracket: string, count: number): void {
    this.#level--;
    if (count > 0) this.#line();
    this.#text += bracket;
  }

  #line(): void {
    if (this.#indent > 0) this.#text += `\n${" ".repeat(this.#indent * this.#level)}`;
  }

  #take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }
}

function taggedElement(dtype: string, element: number | bigint): TaggedJson {
  if (dtype === "bool") return element !== 0;
  return toTagged(dtype.startsWith("float") ? float64(Number(element)) : element);
}

function plainInstant(value: Date | Timestamp | Simple): string {
  if (value instanceof Simple) return `{"simple":${value.value}}`;
  if (value instanceof Date) return JSON.stringify(value.toISOString());
  const date = value.toDate();
  const fraction = String(value.nanoseconds).padStart(9, "0");
  // No ISO text exists beyond the years of a Date.
  return Number.isNaN(date.getTime())
    ? `{"seconds":"${value.seconds}","nanoseconds":${value.nanoseconds}}`
    : JSON.stringify(date.toISOString().replace(/\.\d+Z$/, `.${fraction}Z`));
}

/** The key as text, for plain JSON. */
function keyText(key: Value): string {
  if (typeof key === "string") return key;
  const text = shortJson(key);
  // Byte strings, bigints and instants are JSON texts already.
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}
