import {
  type Archive,
  type ByteRange,
  LazyList,
  LazyMap,
  NdArray,
  type PathKey,
  type ReadOptions,
  type Value,
} from "@peekpack/core";
import { indexOfKey, loadOutline, type Outline, outlineOf } from "@peekpack/core/inspect";
import { OutlineWindows } from "./outline-window.js";
import { keysFor, keyText, pathText, type TypedSegment } from "./segments.js";

/** What was read for an entry: a handle, or a value. */
export interface Content {
  readonly value: LazyMap | LazyList | Value;
}

type Reader = (options: ReadOptions) => Promise<LazyMap | LazyList | Value>;

/** What is known of an entry when it is made. */
interface Known {
  readonly key: Value;
  readonly outline?: Outline | undefined;
  readonly content?: Content | undefined;
  /** The table has not been asked yet. */
  readonly pending?: boolean;
}

/** Children of a container that are kept, whether they have content or not. */
const MAX_CHILDREN = 4096;

/**
 * One entry of an archive as the page sees it: its index among its siblings, its description in the table, and its content
 * once it was read. Children are made when they are asked for. A child whose description has not been loaded is pending,
 * until {@link ensure} loads it.
 */
export class Entry {
  readonly parent: Entry | undefined;
  /** Its index among its siblings. */
  readonly index: number;
  /** Whether tables are fetched page by page: then descriptions cost requests. */
  readonly paged: boolean;
  readonly #read: Reader;
  #key: Value;
  #pending: boolean;
  #outline: Outline | undefined;
  #content: Content | undefined;
  #loading: { readonly content: Promise<Content>; readonly signal: AbortSignal | undefined } | undefined;
  readonly #children = new Map<number, Entry>();
  /** Descriptions of its entries, if it is a container with entries in the table. */
  #windows: OutlineWindows | undefined;
  /** Keys of a plain map that was read. */
  #keys: readonly Value[] | undefined;
  /** Indices of the first entries by the text of their keys. */
  #indices: ReadonlyMap<string, number> | undefined;

  private constructor(
    parent: Entry | undefined,
    index: number,
    paged: boolean,
    read: Reader,
    { key, outline, content, pending = false }: Known,
  ) {
    this.parent = parent;
    this.index = index;
    this.paged = paged;
    this.#read = read;
    this.#key = key;
    this.#outline = outline;
    this.#content = content;
    this.#pending = pending;
  }

  /** The root of an archive. Reads nothing. */
  static root(archive: Archive, name: string): Entry {
    const { kind, pageIndex } = archive.info;
    const outline = kind === "value" ? outlineOf(archive) : undefined;
    const known = { key: name, outline };
    return new Entry(undefined, 0, pageIndex.state === "used", (options) => archive.get([], options), known);
  }

  /** Its key in a map, its index in a list. The name of the archive at the root. Undefined in a map while it is pending. */
  get key(): Value {
    return this.#key;
  }

  /** Whether its key and its description have not been loaded. */
  get pending(): boolean {
    return this.#pending;
  }

  /** Its description in the table. Undefined while it is pending, and inside a value that was read. */
  get outline(): Outline | undefined {
    return this.#outline;
  }

  /** Its content. Undefined until it was read. */
  get content(): Content | undefined {
    return this.#content;
  }

  /** Keys and indices from the root. */
  get path(): Value[] {
    return this.parent === undefined ? [] : [...this.parent.path, this.key];
  }

  /** The path as text that core, the command and this page take. */
  get pathText(): string {
    const isIndex: boolean[] = [];
    for (let at: Entry = this; at.parent !== undefined; at = at.parent) isIndex.unshift(at.parent.#isList());
    return pathText(this.path, (at) => isIndex[at]!);
  }

  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1;
  }

  /** Where it is in the object. Inside a value that was read as a whole: where that value is. */
  get range(): ByteRange | undefined {
    return this.#outline?.range ?? (this.#outline === undefined ? this.parent?.range : undefined);
  }

  /** Encoded size in bytes, if the table says it. */
  get bytes(): number | undefined {
    const range = this.#outline?.range;
    return range === undefined ? undefined : range.end - range.start;
  }

  /** Whether it may have entries. Undefined if neither its content nor the table says it. */
  get foldable(): boolean | undefined {
    if (this.#content !== undefined) return this.size !== undefined && this.size > 0;
    const { outline } = this;
    if (outline === undefined || outline.kind === "value") return undefined;
    return outline.kind === "archive" || outline.count !== 0;
  }

  /** How many entries it has. Undefined if it is not a container, or was not opened. */
  get size(): number | undefined {
    if (this.#content === undefined) return undefined;
    const { value } = this.#content;
    if (value instanceof LazyMap) return value.size;
    if (value instanceof LazyList || Array.isArray(value)) return value.length;
    if (value instanceof Map) return value.size;
    if (NdArray.is(value)) return value.shape[0];
    return isPlainMap(value) ? this.#plainKeys().length : undefined;
  }

  /**
   * Reads it, unless that was done. For a container in the table that is a handle and the descriptions of its first
   * entries; anything else is read as a whole. Calls of one microtask batch are merged into few requests.
   */
  load(options: ReadOptions = {}): Promise<Content> {
    if (this.#content !== undefined) return Promise.resolve(this.#content);
    const loading = this.#loading;
    if (loading !== undefined) {
      // The abort of one caller must not fail the others.
      return loading.content.catch((error: unknown) => {
        if (loading.signal?.aborted && !options.signal?.aborted) return this.load(options);
        throw error;
      });
    }
    const content = this.#load(options);
    const started = { content, signal: options.signal };
    this.#loading = started;
    const done = (): void => {
      if (this.#loading === started) this.#loading = undefined;
    };
    content.then(done, done);
    return content;
  }

  async #load(options: ReadOptions): Promise<Content> {
    const value = await this.#read(options);
    if (value instanceof LazyMap || value instanceof LazyList) {
      // The own table of a child archive says more than the outer one.
      const own = await loadOutline(value, options);
      this.#outline = { ...own, range: own.range ?? this.#outline?.range };
      if (own.kind !== "blocked") {
        this.#windows = new OutlineWindows(value, this.paged);
        await this.#windows.load(0, Math.min(this.#windows.window, sizeOf(value)), options);
      }
    }
    this.#content = { value };
    return this.#content;
  }

  /** Loads the keys and descriptions of the children from `from` up to `to`. They are not pending any more. */
  async ensure(from: number, to: number, options: ReadOptions = {}): Promise<void> {
    const end = Math.min(to, this.size ?? 0);
    if (this.#windows === undefined || from >= end) return;
    for (const { index } of await this.#windows.load(from, end, options)) this.#describe(index);
    // Their windows may have been loaded by other callers.
    for (let index = from; index < end; index++) this.#describe(index);
  }

  #describe(index: number): void {
    const child = this.#children.get(index);
    const entry = child?.pending === true ? this.#windows?.get(index) : undefined;
    if (child === undefined || entry === undefined) return;
    child.#key = entry.key;
    child.#outline = entry.outline;
    child.#pending = false;
  }

  /** The child at an index. It is pending if its description has not been loaded. */
  child(index: number): Entry {
    const known = this.#children.get(index);
    if (known !== undefined) {
      if (known.pending) this.#describe(index);
      return known;
    }
    const child = this.#makeChild(index);
    this.#children.set(index, child);
    if (this.#children.size > MAX_CHILDREN) this.#evict();
    return child;
  }

  /** The index of the child that a typed segment names. −1 if there is none. Makes no request, unless tables are paged. */
  async find(segment: TypedSegment, options: ReadOptions = {}): Promise<number> {
    const value = this.#content?.value;
    if (!(value instanceof LazyMap)) return this.findLoaded(segment);
    for (const key of keysOf(segment)) {
      const index = await indexOfKey(value, key, options);
      if (index >= 0) return index;
    }
    return -1;
  }

  /** As {@link find}, in what has been loaded. Of a map in the table: among its first entries. */
  findLoaded(segment: TypedSegment): number {
    const { text } = segment;
    const size = this.size ?? 0;
    if (this.#isList()) {
      const index = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
      const from = index < 0 ? index + size : index;
      return from >= 0 && from < size ? from : -1;
    }
    if (this.#content?.value instanceof LazyMap) {
      this.#indices ??= indicesByText(
        Array.from({ length: Math.min(size, this.#windows!.window) }, (_, i) => this.keyAt(i)),
      );
      return this.#indices.get(text) ?? -1;
    }
    for (const key of keysOf(segment)) {
      const index = this.#plainKeys().findIndex((known) => isSame(known, key));
      if (index >= 0) return index;
    }
    return -1;
  }

  /** The key of the child at an index. Undefined in a map if its description has not been loaded. */
  keyAt(index: number): Value {
    if (this.#isList()) return index;
    if (this.#content?.value instanceof LazyMap) return this.#windows?.get(index)?.key;
    return this.#plainKeys()[index]!;
  }

  /** The encoded size of the child at an index. Undefined if the table does not say it, or was not asked yet. */
  bytesAt(index: number): number | undefined {
    const range = this.#windows?.get(index)?.outline.range;
    return range && range.end - range.start;
  }

  /** Reads many items of a list of blocks at once, so that each block is read once. */
  async loadItems(from: number, to: number, options: ReadOptions): Promise<void> {
    const value = this.#content?.value;
    if (!(value instanceof LazyList)) return;
    const items = await value.slice(from, to, options);
    for (const [i, item] of items.entries()) this.child(from + i).#content ??= { value: item };
  }

  /** The index of the first child that was read, else 0. */
  get firstOpened(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const [index, { content }] of this.#children)
      if (content !== undefined) first = Math.min(first, index);
    return Number.isFinite(first) ? first : 0;
  }

  /** Whether it is a list of blocks: its items are small, and the table does not describe them. */
  get blocked(): boolean {
    return this.#content?.value instanceof LazyList && this.#outline?.kind === "blocked";
  }

  #isList(): boolean {
    const value = this.#content?.value;
    return value instanceof LazyList || Array.isArray(value) || NdArray.is(value);
  }

  #makeChild(index: number): Entry {
    const value = this.#content?.value;
    const outlined = this.#windows?.get(index);
    const pending = this.#windows !== undefined && outlined === undefined;
    const known = { key: this.keyAt(index), outline: outlined?.outline, pending };
    if (value instanceof LazyMap) {
      const read: Reader = async (options) => {
        await this.ensure(index, index + 1, options);
        return this.#windows!.get(index)!.get(options);
      };
      return new Entry(this, index, this.paged, read, known);
    }
    if (value instanceof LazyList) {
      return new Entry(this, index, this.paged, (options) => value.at(index, options), known);
    }
    const inner = innerValue(value, known.key, index);
    return new Entry(this, index, this.paged, async () => inner, {
      key: known.key,
      content: { value: inner },
    });
  }

  #plainKeys(): readonly Value[] {
    const value = this.#content?.value;
    this.#keys ??= value instanceof Map ? [...value.keys()] : isPlainMap(value) ? Object.keys(value) : [];
    return this.#keys;
  }

  /** Removes half of the children, the oldest first, except those with children or a read under way. */
  #evict(): void {
    let left = this.#children.size / 2;
    for (const [index, child] of this.#children) {
      if (left-- <= 0) break;
      if (child.#children.size === 0 && child.#loading === undefined) this.#children.delete(index);
    }
  }
}

function sizeOf(container: LazyMap | LazyList): number {
  return container instanceof LazyMap ? container.size : container.length;
}

/** Indices by the text of the keys. A text key comes before another key that reads the same. */
function indicesByText(keys: readonly Value[]): ReadonlyMap<string, number> {
  const indices = new Map<string, number>();
  for (const [index, key] of keys.entries()) {
    const text = keyText(key);
    if (typeof key === "string" || !indices.has(text)) indices.set(text, index);
  }
  return indices;
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
  if (NdArray.is(value)) return ndItem(value, index);
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

/** The keys that a segment may name, the most likely first. */
function keysOf({ text, exact, key }: TypedSegment): readonly PathKey[] {
  if (key !== undefined) return [key.value];
  return exact ? [text] : keysFor(text);
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
