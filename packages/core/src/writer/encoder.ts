import { PeekpackError } from "../errors.js";
import { NdArray, type Rows } from "../nd-array.js";
import { encodeNumpyPickle } from "../numpy/pickle-writer.js";
import { Float64 } from "../values.js";
import { ContainerEncoder } from "./container-encoder.js";
import { EncodedItem, writeEncoded } from "./encoded-item.js";
import { isInteger } from "./integer.js";
import { KeyEntries, type KeyEntry } from "./key-entries.js";
import { located } from "./misplaced.js";
import { endNumbers, writeFloats } from "./number-column.js";
import type { ResolvedEncodeOptions } from "./options.js";
import type { Packer } from "./packer.js";
import { sortedSet } from "./sorted-set.js";
import { ListStream, MapStream } from "./stream.js";

/** Thrown for a value that must be awaited or consumed step by step (iterables, lazy handles): the streaming writer takes it. */
export class NeedsStream extends Error {
  readonly value: object;

  constructor(value: object) {
    super("This value must be streamed.");
    this.value = value;
  }
}

/** Encodes values, and builds the table of contents in the same pass. */
export class ArchiveEncoder extends ContainerEncoder {
  readonly #trivialSize: number;
  readonly #allFloats: boolean;
  /** Whether plain objects inherit enumerable properties. */
  readonly #inherits: boolean = Object.keys(Object.prototype).length > 0;
  readonly #keys: KeyEntries = new KeyEntries();
  /** The key whose value is being written. */
  #entry: KeyEntry = this.#keys.none;

  constructor(data: Packer, toc: Packer, shift: number, options: ResolvedEncodeOptions) {
    super(data, toc, shift, options);
    this.#trivialSize = options.trivialSize;
    this.#allFloats = options.floats === "all";
  }

  /**
   * Encodes a value and everything below it, and appends its node to the table's buffer unless it is a leaf.
   * Returns whether the value is trivial: small enough to share a block with its neighbors.
   * @throws PeekpackError `unsupported-value`, `limit`
   */
  override value(value: unknown, depth: number): boolean {
    const { data } = this;
    const start = data.pos;
    // Comparisons and no switch: V8 compiles them without a call.
    if (typeof value === "string") data.string(value);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "boolean") data.bool(value);
    else if (value === null) data.nil();
    else if (typeof value === "object") return this.#object(value, depth);
    else if (typeof value === "bigint") data.bigint(value, this.options.profile);
    else return this.#special(value, depth);
    return data.pos - start <= this.#trivialSize;
  }

  /** Encodes a map's key, at the depth of its value. It gets no node: the map's node repeats its bytes. */
  override key(key: unknown, depth: number): void {
    if (typeof key === "string") {
      this.data.string(key);
      return;
    }
    // A container as a key leaves spans and nodes on the stacks.
    const before = this.mark();
    this.value(key, depth);
    this.rewind({ ...before, data: this.data.pos });
  }

  #number(value: number): void {
    if (this.#allFloats || !isInteger(value)) this.data.float(value);
    else this.data.int(value);
  }

  #object(value: object, depth: number): boolean {
    if (Array.isArray(value)) return this.#list(value, depth);
    const proto = Object.getPrototypeOf(value);
    if (proto === Object.prototype || proto === null) {
      return this.#record(value as Record<string, unknown>, depth);
    }
    if (value instanceof Map) return this.#map(value, depth);
    if (value instanceof Set) return this.#list(sortedSet(value, this.options.sets), depth);
    return this.#special(value, depth);
  }

  #special(value: unknown, depth: number): boolean {
    const { data } = this;
    const start = data.pos;
    const own = this.options.custom?.encode?.(value);
    if (own !== undefined) data.raw(own);
    else if (value instanceof Uint8Array) data.bytes(value);
    else if (value instanceof ArrayBuffer) data.bytes(new Uint8Array(value));
    else if (value instanceof Float64) data.float(value.value);
    else if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      return this.#numbers(value, depth);
    } else if (value instanceof EncodedItem) return writeEncoded(this, value, depth);
    else if (NdArray.is(value)) {
      if (this.options.numpy === "rows") return this.#array(value, depth);
      data.bytes(encodeNumpyPickle(value));
    } else if (!data.special(value, (inner) => this.#tagged(inner, depth))) {
      if (mustStream(value)) throw new NeedsStream(value);
      throw unsupported(value, data.protocol);
    }
    return data.pos - start <= this.#trivialSize;
  }

  /** Encodes the content of a tag: one level deeper, and without nodes, as a key. */
  #tagged(inner: unknown, depth: number): void {
    this.deeper(depth);
    this.key(inner, depth + 1);
  }

  #array(array: NdArray, depth: number): boolean {
    const rows = array.toRows();
    const isFloat = array.shape.length === 0 && array.dtype.startsWith("float");
    return isFloat ? this.value(new Float64(rows as number), depth) : this.#rows(rows, depth);
  }

  #numbers(array: ArrayBufferView, depth: number): boolean {
    return array instanceof Float64Array || array instanceof Float32Array
      ? writeFloats(this, array, depth)
      : this.#list(Array.from(array as unknown as ArrayLike<number | bigint>), depth);
  }

  /** Encodes rows of an array. A row of bytes is a list of numbers here. */
  #rows(rows: Rows, depth: number): boolean {
    if (ArrayBuffer.isView(rows)) return this.#numbers(rows, depth);
    if (!Array.isArray(rows)) return this.value(rows, depth);
    this.begin(false, rows.length, depth);
    let trivial = true;
    for (const row of rows) {
      const before = this.toc.packer.pos;
      if (!this.#rows(row, depth + 1)) trivial = false;
      this.noteEnd(before);
    }
    return this.end(false, trivial);
  }

  #list(list: readonly unknown[], depth: number): boolean {
    const count = list.length;
    this.begin(false, count, depth);
    const { data } = this;
    const { packer } = this.toc;
    const body = data.pos;
    let i = 0;
    // The sizes of numbers can be read back from their bytes: a column of them leaves nothing on the stack.
    if (typeof list[0] === "number") {
      let floats = 0;
      while (i < count) {
        const more = data.floats(list, i, this.#allFloats);
        floats += more;
        i += more;
        const item = list[i];
        if (typeof item !== "number") break;
        this.#number(item);
        i++;
      }
      if (i === count) return endNumbers(this, body, count, floats === count);
    }
    let trivial = true;
    for (let at = body; at < data.pos; ) {
      const size = data.numberSize(at);
      if (size > this.#trivialSize) trivial = false;
      at += size;
      this.note(at);
    }
    try {
      for (; i < count; i++) {
        const before = packer.pos;
        if (!this.value(list[i], depth + 1)) trivial = false;
        this.noteEnd(before);
      }
    } catch (error) {
      throw located(error, i);
    }
    return this.end(false, trivial);
  }

  #record(record: Record<string, unknown>, depth: number): boolean {
    // Only for … in stays fast over objects of many shapes. It includes inherited properties: none, unless a program puts
    // enumerable properties on Object.prototype.
    const inherits = this.#inherits;
    let count = 0;
    for (const key in record) if (!inherits || Object.hasOwn(record, key)) count++;
    if (count === 0 && mustStream(record)) throw new NeedsStream(record);
    this.begin(true, count, depth);
    const { data } = this;
    const { packer } = this.toc;
    let trivial = true;
    let current = "";
    const above = this.#entry;
    let entry: KeyEntry | undefined;
    try {
      for (const key in record) {
        if (inherits && !Object.hasOwn(record, key)) continue;
        current = key;
        const predicted: KeyEntry | undefined = entry === undefined ? above.first : entry.next;
        if (predicted !== undefined && predicted.key === key && predicted.length > 0) {
          data.words(predicted);
          entry = predicted;
        } else {
          const written = this.#keys.write(key, data);
          if (entry === undefined) above.first = written;
          else entry.next = written;
          entry = written;
        }
        this.#entry = entry;
        this.note(data.pos);
        const before = packer.pos;
        if (!this.value(record[key], depth + 1)) trivial = false;
        this.noteEnd(before);
      }
    } catch (error) {
      // An iterator written as an object: its `next` is a function, which no record holds.
      if (mustStream(record)) throw new NeedsStream(record);
      throw located(error, current);
    }
    this.#entry = above;
    return this.end(true, trivial);
  }

  #map(map: Map<unknown, unknown>, depth: number): boolean {
    this.begin(true, map.size, depth);
    let trivial = true;
    for (const [key, value] of map) {
      try {
        this.key(key, depth + 1);
        this.note(this.data.pos);
        const before = this.toc.packer.pos;
        if (!this.value(value, depth + 1)) trivial = false;
        this.noteEnd(before);
      } catch (error) {
        throw located(error, key);
      }
    }
    return this.end(true, trivial);
  }
}

/** Whether only the streaming writer takes a value: an iterable of items or entries, or a lazy handle. */
function mustStream(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    (Symbol.iterator in value ||
      Symbol.asyncIterator in value ||
      "~location" in value ||
      value instanceof MapStream ||
      value instanceof ListStream)
  );
}

function unsupported(value: unknown, protocol: string): PeekpackError {
  const name =
    value === undefined
      ? "undefined"
      : typeof value === "object"
        ? `an instance of ${value?.constructor?.name ?? "a class"}`
        : `a ${typeof value}`;
  return new PeekpackError(
    "unsupported-value",
    `An archive in ${protocol} cannot hold ${name}${value === undefined ? "; null can stand for it" : ""}.`,
  );
}
