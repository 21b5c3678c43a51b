import {
  type Archive,
  LazyList,
  LazyMap,
  NdArray,
  type PathKey,
  type ReadOptions,
  type Value,
} from "@peekpack/core";
import { childOutline, isBlocked, keyOf, type Outline, outlineOf, placeOfText, sizeOf } from "./outline.js";
import { keysFor, type TypedSegment } from "./segments.js";
import type { Span } from "./touched.js";

/** What an entry turned out to be: a handle, or a value that was read. */
export interface Content {
  readonly value: LazyMap | LazyList | Value;
}

type Reader = (options: ReadOptions) => Promise<LazyMap | LazyList | Value>;

/** Entries without content are let go of beyond so many in one container. */
const REMEMBERED = 4096;

/**
 * One entry of an archive as the page sees it: its place among its siblings, what the table says of it, and its content once
 * it was read. Containers make entries for their children when these are asked for.
 */
export class Entry {
  readonly parent: Entry | undefined;
  /** Its key in a map, its index in a list; the archive's name at the root. */
  readonly key: Value;
  /** Its place among its siblings. */
  readonly index: number;
  readonly #read: Reader;
  #outline: Outline | undefined;
  #content: Content | undefined;
  #loading: { readonly content: Promise<Content>; readonly signal: AbortSignal | undefined } | undefined;
  readonly #children = new Map<number, Entry>();
  /** Keys of a plain map that was read. */
  #keys: readonly Value[] | undefined;

  private constructor(
    parent: Entry | undefined,
    key: Value,
    index: number,
    read: Reader,
    outline: Outline | undefined,
    content?: Content,
  ) {
    this.parent = parent;
    this.key = key;
    this.index = index;
    this.#read = read;
    this.#outline = outline;
    this.#content = content;
  }

  /** The root of an archive. Reads nothing. */
  static root(archive: Archive, name: string): Entry {
    const { kind, offset, dataBytes, size, tocBytes } = archive.info;
    // Data lie between the header and the table, the table at the end.
    const start = offset + size - tocBytes - dataBytes;
    const outline: Outline | undefined =
      kind === "value" ? { kind: "value", span: { start, end: start + dataBytes } } : undefined;
    return new Entry(undefined, name, 0, (options) => archive.get([], options), outline);
  }

  /** What the table says of it. Undefined inside a value that was read. */
  get outline(): Outline | undefined {
    return this.#outline;
  }

  /** What it turned out to be; undefined as long as it was not read. */
  get content(): Content | undefined {
    return this.#content;
  }

  /** Keys and indices from the root. */
  get path(): Value[] {
    return this.parent === undefined ? [] : [...this.parent.path, this.key];
  }

  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1;
  }

  /** Where it lies in the object; inside a value that was read as a whole, that value. */
  get span(): Span | undefined {
    return this.#outline?.span ?? (this.#outline === undefined ? this.parent?.span : undefined);
  }

  /** Encoded size in bytes, where the table tells. */
  get bytes(): number | undefined {
    const span = this.#outline?.span;
    return span === undefined ? undefined : span.end - span.start;
  }

  /** Whether entries may lie below it: known once it was read, or when the table says so. */
  get foldable(): boolean | undefined {
    if (this.#content !== undefined) return this.size !== undefined && this.size > 0;
    const { outline } = this;
    if (outline === undefined || outline.kind === "value") return undefined;
    return outline.kind === "archive" || outline.count > 0;
  }

  /** How many entries lie below it; undefined when it is no container, or was not opened. */
  get size(): number | undefined {
    if (this.#content === undefined) return undefined;
    const { value } = this.#content;
    if (value instanceof LazyMap || value instanceof LazyList) return sizeOf(value);
    if (Array.isArray(value)) return value.length;
    if (value instanceof Map) return value.size;
    if (value instanceof NdArray) return value.shape[0];
    return isPlainMap(value) ? this.#plainKeys().length : undefined;
  }

  /**
   * Reads it, unless that was done. Containers that are in the table cost nothing; all else is read whole. Calls of one turn
   * are merged into few requests.
   */
  load(options: ReadOptions = {}): Promise<Content> {
    if (this.#content !== undefined) return Promise.resolve(this.#content);
    const under = this.#loading;
    if (under !== undefined) {
      // Somebody else's leaving must not fail who stays.
      return under.content.catch((error: unknown) => {
        if (under.signal?.aborted && !options.signal?.aborted) return this.load(options);
        throw error;
      });
    }
    const content = this.#read(options).then((value) => {
      this.#content = { value };
      // What the table said of an archive inside is less than what its own table says.
      if (value instanceof LazyMap || value instanceof LazyList) {
        const own = outlineOf(value);
        this.#outline = { ...own, span: own.span ?? this.#outline?.span } as Outline;
      }
      return this.#content;
    });
    const loading = { content, signal: options.signal };
    this.#loading = loading;
    const done = (): void => {
      if (this.#loading === loading) this.#loading = undefined;
    };
    content.then(done, done);
    return content;
  }

  /** The entry at a place below it. It must have been read, and have so many. */
  child(index: number): Entry {
    const known = this.#children.get(index);
    if (known !== undefined) return known;
    const child = this.#makeChild(index);
    this.#children.set(index, child);
    if (this.#children.size > REMEMBERED) this.#forget();
    return child;
  }

  /** The place of the entry that a typed segment names; −1 when there is none. Costs nothing. */
  find({ text, exact }: TypedSegment): number {
    const size = this.size ?? 0;
    const value = this.#content?.value;
    if (value instanceof LazyList || Array.isArray(value) || value instanceof NdArray) {
      const index = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
      const from = index < 0 ? index + size : index;
      return from >= 0 && from < size ? from : -1;
    }
    for (const key of exact ? [text] : keysFor(text)) {
      const at = this.#placeOf(key);
      if (at >= 0) return at;
    }
    return -1;
  }

  /** The key of the entry at a place, without making the entry. */
  keyAt(index: number): Value {
    const value = this.#content?.value;
    if (value instanceof LazyMap) return keyOf(value, index);
    if (value instanceof LazyList || Array.isArray(value) || value instanceof NdArray) return index;
    return this.#plainKeys()[index]!;
  }

  /** Reads many items of a list of blocks at once, so that each block is read once. */
  async loadItems(from: number, to: number, options: ReadOptions): Promise<void> {
    const value = this.#content?.value;
    if (!(value instanceof LazyList)) return;
    const items = await value.slice(from, to, options);
    for (const [i, item] of items.entries()) this.child(from + i).#content ??= { value: item };
  }

  /** Whether its items are small ones that are read by blocks. */
  get blocked(): boolean {
    const value = this.#content?.value;
    return value instanceof LazyList && isBlocked(value);
  }

  #makeChild(index: number): Entry {
    const value = this.#content?.value;
    const key = this.keyAt(index);
    if (value instanceof LazyMap) {
      const read: Reader = async (options) => {
        if (!isPathKey(key)) throw new TypeError("An entry under such a key cannot be asked for alone.");
        return value.get(key, options);
      };
      return new Entry(this, key, index, read, childOutline(value, index));
    }
    if (value instanceof LazyList) {
      return new Entry(this, key, index, (options) => value.at(index, options), childOutline(value, index));
    }
    const inner = innerValue(value, key, index);
    return new Entry(this, key, index, async () => inner, undefined, { value: inner });
  }

  #placeOf(key: PathKey): number {
    const value = this.#content?.value;
    if (value instanceof LazyMap) {
      if (typeof key === "string") return placeOfText(value, key);
      if (value.has(key)) {
        for (let i = 0; i < value.size; i++) if (isSame(keyOf(value, i), key)) return i;
      }
      return -1;
    }
    return this.#plainKeys().findIndex((known) => isSame(known, key));
  }

  #plainKeys(): readonly Value[] {
    const value = this.#content?.value;
    this.#keys ??= value instanceof Map ? [...value.keys()] : isPlainMap(value) ? Object.keys(value) : [];
    return this.#keys;
  }

  /** Lets go of half of the children that hold nothing worth keeping. */
  #forget(): void {
    let left = this.#children.size / 2;
    for (const [index, child] of this.#children) {
      if (left-- <= 0) break;
      if (child.#children.size === 0 && child.#loading === undefined) this.#children.delete(index);
    }
  }
}

/** Whether a value is a map that was read, as a plain object. */
export function isPlainMap(value: unknown): value is { [key: string]: Value } {
  if (value === null || typeof value !== "object") return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function innerValue(value: Value | LazyMap | LazyList, key: Value, index: number): Value {
  if (Array.isArray(value)) return value[index];
  if (value instanceof Map) return value.get(key);
  if (value instanceof NdArray) return ndItem(value, index);
  return (value as { [key: string]: Value })[key as string];
}

/** One item of an array: a number, or an array of one dimension less over the same memory. */
function ndItem({ data, shape, dtype }: NdArray, index: number): Value {
  const rest = shape.slice(1);
  const width = rest.reduce((product, length) => product * length, 1);
  const part = data.subarray(index * width, (index + 1) * width);
  if (rest.length > 0) return new NdArray(part, rest, dtype);
  return dtype === "bool" ? part[0] === 1 : part[0]!;
}

function isPathKey(key: Value): key is PathKey {
  return key === null || key instanceof Uint8Array || /^(string|number|bigint|boolean)$/.test(typeof key);
}

function isSame(key: Value, wanted: PathKey): boolean {
  if (key === wanted) return true;
  if (key instanceof Uint8Array && wanted instanceof Uint8Array) {
    return key.length === wanted.length && key.every((byte, i) => byte === wanted[i]);
  }
  const numbers = /^(number|bigint)$/;
  // biome-ignore lint/suspicious/noDoubleEquals: 2 and 2n are the same key
  return numbers.test(typeof key) && numbers.test(typeof wanted) && key == wanted;
}
