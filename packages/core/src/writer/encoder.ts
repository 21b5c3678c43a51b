import { PeekpackError } from "../errors.js";
import type { Item } from "../format/cursor.js";
import { NdArray } from "../numpy/nd-array.js";
import { encodeNumpyPickle } from "../numpy/pickle-writer.js";
import { Float64 } from "../values.js";
import { EncodedItem } from "./encoded-item.js";
import type { ResolvedEncodeOptions } from "./options.js";
import type { Packer } from "./packer.js";
import { sortedSet } from "./sorted-set.js";
import { ListStream, MapStream } from "./stream.js";

/**
 * Thrown when the encoder meets a value that must be awaited or consumed step by step (iterables, lazy handles): only the
 * streaming writer can go on.
 */
export class NeedsStream extends Error {
  readonly value: object;

  constructor(value: object) {
    super("This value must be streamed.");
    this.value = value;
  }
}

/**
 * Encodes values and builds the table of contents in the same pass.
 *
 * While a container is open, where its children end (for a map: start and end) lies on one stack, and the finished nodes
 * of those children that are not leaves lie, in order, at the end of the table's buffer. Most containers end as
 * leaves: then both are simply cut back, and no node was ever made for them.
 *
 * Places are counted in the data's buffer; `shift` makes positions from the origin (the end of the header) of them.
 */
export class ArchiveEncoder {
  readonly data: Packer;
  readonly toc: Packer;
  /** What to add to a place in the buffer to get its position from the origin. */
  shift: number;
  readonly options: ResolvedEncodeOptions;
  readonly #python: boolean;
  readonly #trivialSize: number;
  /** The stack: 32 bits a number. A child with a node of its own has the sign of its end turned. */
  #spans = new Int32Array(1024);
  #top = 0;
  /** Lengths of the nodes of those children, in order. */
  readonly #nodes: number[] = [];

  constructor(data: Packer, toc: Packer, shift: number, options: ResolvedEncodeOptions) {
    this.data = data;
    this.toc = toc;
    this.shift = shift;
    this.options = options;
    this.#python = options.profile === "python";
    this.#trivialSize = options.trivialSize;
  }

  /** Where everything stands, to come back to with {@link rewind} when an attempt failed. */
  mark(): Mark {
    return { data: this.data.pos, toc: this.toc.pos, top: this.#top, nodes: this.#nodes.length };
  }

  rewind(mark: Mark): void {
    this.data.pos = mark.data;
    this.toc.pos = mark.toc;
    this.#top = mark.top;
    this.#nodes.length = mark.nodes;
  }

  /** The position from the origin of the next byte to be written. */
  get position(): number {
    return this.data.pos + this.shift;
  }

  /**
   * Encodes a value and all below it. Its node, unless it is a leaf, is appended to the table's buffer.
   * Returns whether the value is trivial: small enough to share a block with its neighbours.
   * @throws PeekpackError `unsupported-value`, `limit`
   */
  value(value: unknown, depth: number): boolean {
    const { data } = this;
    const start = data.pos;
    switch (typeof value) {
      case "string":
        data.string(value);
        break;
      case "number":
        this.#number(value);
        break;
      case "object":
        if (value !== null) return this.#object(value, depth);
        data.nil();
        break;
      case "boolean":
        data.bool(value);
        break;
      case "bigint":
        data.bigint(value, this.options.profile);
        break;
      default:
        return this.#special(value, depth);
    }
    return data.pos - start <= this.#trivialSize;
  }

  /** Encodes a map's key. It has no node of its own: its bytes are repeated in the map's. */
  key(key: unknown): void {
    if (typeof key === "string") {
      this.data.string(key);
      return;
    }
    // A container as a key leaves spans and nodes on the stacks; they are not wanted.
    const { toc, top, nodes } = this.mark();
    this.value(key, 0);
    this.rewind({ data: this.data.pos, toc, top, nodes });
  }

  #number(value: number): void {
    // -0 is a float, and so is what an integer cannot hold.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0) && this.options.floats !== "all") {
      this.data.int(value);
    } else if (this.options.floats !== "all" && Number.isSafeInteger(value) && value !== 0) {
      this.data.int(value);
    } else {
      this.data.float(value);
    }
  }

  #object(value: object, depth: number): boolean {
    if (Array.isArray(value)) return this.#list(value, depth);
    const proto = Object.getPrototypeOf(value);
    if (proto === Object.prototype || proto === null)
      return this.#record(value as Record<string, unknown>, depth);
    if (value instanceof Map) return this.#map(value, depth);
    if (value instanceof Set) return this.#list(sortedSet(value, this.options.sets), depth);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return this.#binary(value, depth);
    return this.#special(value, depth);
  }

  #binary(value: ArrayBufferView | ArrayBuffer, depth: number): boolean {
    if (value instanceof ArrayBuffer || value instanceof Uint8Array) {
      const start = this.data.pos;
      this.data.bytes(value instanceof ArrayBuffer ? new Uint8Array(value) : value);
      return this.data.pos - start <= this.#trivialSize;
    }
    if (value instanceof DataView) throw unsupported(value, this.data.protocol);
    return this.#numbers(value as unknown as NumberArray, depth);
  }

  #special(value: unknown, depth: number): boolean {
    const { data } = this;
    const start = data.pos;
    const own = this.options.custom?.encode?.(value);
    if (own !== undefined) data.raw(own);
    else if (value instanceof Float64) data.float(value.value);
    else if (value instanceof NdArray) return this.#ndArray(value, depth);
    else if (value instanceof EncodedItem) return this.#encoded(value, depth);
    else if (!data.special(value, (inner) => this.key(inner))) {
      if (mustStream(value)) throw new NeedsStream(value);
      throw unsupported(value, data.protocol);
    }
    return data.pos - start <= this.#trivialSize;
  }

  #list(list: readonly unknown[], depth: number): boolean {
    const { data } = this;
    const count = list.length;
    const start = data.pos;
    const top = this.#top;
    const nodes = this.#nodes.length;
    const node = this.toc.pos;
    this.deeper(depth);
    data.array(count);
    const body = data.pos;
    let i = 0;
    // Numbers are trivial and their sizes can be read back from their bytes: a column of them leaves no spans.
    if (count > 0 && this.#trivialSize >= 9) {
      for (let item = list[0]; typeof item === "number"; item = list[i]) {
        this.#number(item);
        if (++i === count) return this.#closeNumbers(start, body, count, node);
      }
      for (let at = body; at < data.pos; ) {
        at += data.numberSize(at);
        this.#push(at);
      }
    }
    let trivial = true;
    try {
      for (; i < count; i++) {
        const before = this.toc.pos;
        if (!this.value(list[i], depth + 1)) trivial = false;
        const own = this.toc.pos - before;
        if (own === 0) this.#push(data.pos);
        else this.#pushNode(data.pos, own);
      }
    } catch (error) {
      throw located(error, i);
    }
    return this.#close(start, body, top, nodes, node, false, trivial);
  }

  #record(record: Record<string, unknown>, depth: number): boolean {
    const { data } = this;
    let count = 0;
    for (const key in record) if (hasOwn.call(record, key)) count++;
    if (count === 0 && mustStream(record)) throw new NeedsStream(record);
    const start = data.pos;
    const top = this.#top;
    const nodes = this.#nodes.length;
    const node = this.toc.pos;
    this.deeper(depth);
    data.map(count);
    const body = data.pos;
    let trivial = true;
    let current = "";
    try {
      for (const key in record) {
        if (!hasOwn.call(record, key)) continue;
        current = key;
        data.string(key);
        if (!this.#entry(record[key], depth)) trivial = false;
      }
    } catch (error) {
      // An iterator written as an object: its `next` is a function, which no record holds.
      if (mustStream(record)) throw new NeedsStream(record);
      throw located(error, current);
    }
    return this.#close(start, body, top, nodes, node, true, trivial);
  }

  #map(map: Map<unknown, unknown>, depth: number): boolean {
    const { data } = this;
    const start = data.pos;
    const top = this.#top;
    const nodes = this.#nodes.length;
    const node = this.toc.pos;
    this.deeper(depth);
    data.map(map.size);
    const body = data.pos;
    let trivial = true;
    for (const [key, value] of map) {
      try {
        this.key(key);
        if (!this.#entry(value, depth)) trivial = false;
      } catch (error) {
        throw located(error, key);
      }
    }
    return this.#close(start, body, top, nodes, node, true, trivial);
  }

  /** Encodes a map's value and notes its span. */
  #entry(value: unknown, depth: number): boolean {
    this.#push(this.data.pos);
    const before = this.toc.pos;
    const trivial = this.value(value, depth + 1);
    const own = this.toc.pos - before;
    if (own === 0) this.#push(this.data.pos);
    else this.#pushNode(this.data.pos, own);
    return trivial;
  }

  #push(place: number): void {
    if (this.#top === this.#spans.length) {
      const grown = new Int32Array(this.#top * 2);
      grown.set(this.#spans);
      this.#spans = grown;
    }
    this.#spans[this.#top++] = place;
  }

  #pushNode(end: number, length: number): void {
    this.#push(-end);
    this.#nodes.push(length);
  }

  /** @throws PeekpackError `limit` when a container at this depth is one too deep. */
  deeper(depth: number): void {
    if (depth >= this.options.maxDepth) {
      throw new PeekpackError(
        "limit",
        `The value is nested more than ${this.options.maxDepth} levels deep, or contains itself.`,
      );
    }
  }

  /** Whether a container of `size` bytes has no entries of its own. The backends differ where it is exactly the threshold. */
  isSmall(size: number): boolean {
    return this.#python ? size < this.options.threshold : size <= this.options.threshold;
  }

  /**
   * Ends a container that began at `start` and whose first child, after the head, is at `body`: decides its shape (the
   * rules are in ARCHITECTURE.md) and appends its node unless it is a leaf. Returns whether it is trivial.
   */
  #close(
    start: number,
    body: number,
    top: number,
    nodes: number,
    node: number,
    isMap: boolean,
    trivial: boolean,
  ): boolean {
    const end = this.data.pos;
    if (this.isSmall(end - start) || (trivial && isMap)) {
      this.toc.pos = node;
    } else {
      this.#shape(start, body, end, node, isMap, trivial, {
        spans: this.#spans,
        first: top,
        last: this.#top,
        nodes: this.#nodes,
        firstNode: nodes,
        keys: this.data.buf,
        keysAt: body,
        packed: false,
        shift: this.shift,
      });
    }
    this.#top = top;
    if (this.#nodes.length > nodes) this.#nodes.length = nodes;
    return this.toc.pos === node && end - start <= this.#trivialSize;
  }

  #shape(
    start: number,
    body: number,
    end: number,
    node: number,
    isMap: boolean,
    trivial: boolean,
    children: Children,
  ): void {
    if (trivial) {
      const blocks = new BlockCutter(this.#blockSize, body);
      for (let at = children.first; at < children.last; at++) blocks.item(children.spans[at]!);
      this.blockNode(blocks.finish(), children.shift);
    } else {
      this.#indexed(start, body, end, node, isMap, children);
    }
  }

  /**
   * Ends a container that was written step by step: as the private way, but in positions from the origin, and with the
   * children's places and keys in memory of their own.
   */
  closeStreamed(container: StreamedContainer): boolean {
    const { start, body, node, isMap, trivial, spans, nodes, keys } = container;
    const end = this.position;
    const size = end - start;
    if (this.isSmall(size) || (trivial && isMap)) {
      this.toc.pos = node;
    } else {
      this.#shape(start, body, end, node, isMap, trivial, {
        spans,
        first: 0,
        last: spans.length,
        nodes,
        firstNode: 0,
        keys,
        keysAt: 0,
        packed: true,
        shift: 0,
      });
    }
    return this.toc.pos === node && size <= this.#trivialSize;
  }

  /** Ends a list of numbers only, all trivial. */
  #closeNumbers(start: number, body: number, count: number, node: number): boolean {
    const { data } = this;
    const size = data.pos - start;
    if (!this.isSmall(size)) {
      const blocks = new BlockCutter(this.#blockSize, body);
      for (let i = 0, at = body; i < count; i++) {
        at += data.numberSize(at);
        blocks.item(at);
      }
      this.blockNode(blocks.finish(), this.shift);
    }
    return this.toc.pos === node && size <= this.#trivialSize;
  }

  /** A block is closed by the item that makes it this long, in bytes. */
  get #blockSize(): number {
    return this.#python ? this.options.threshold : this.options.threshold + 1;
  }

  /** Appends a node of blocks, given as count, start and end of each, unless it is a single one. */
  blockNode(blocks: readonly number[], shift: number, least = 2): void {
    if (blocks.length < 3 * least) return;
    const { toc } = this;
    toc.map(1);
    toc.string("p");
    toc.array(blocks.length / 3);
    for (let i = 0; i < blocks.length; i += 3) {
      toc.array(3);
      toc.int(blocks[i]!);
      toc.int(blocks[i + 1]! + shift);
      toc.int(blocks[i + 2]! + shift);
    }
  }

  /** Appends an indexed node. The children's own nodes lie from `node` on, and are taken up into it. */
  #indexed(start: number, body: number, end: number, node: number, isMap: boolean, children: Children): void {
    const { toc } = this;
    const { spans, first, last, nodes, keys, shift } = children;
    const from = toc.pos;
    this.node(start + shift, end + shift, 2);
    toc.string("t");
    if (isMap) toc.map((last - first) / 2);
    else toc.array(last - first);
    let child = node;
    let place = body;
    let key = children.keysAt;
    let next = children.firstNode;
    for (let at = first; at < last; at++) {
      if (isMap) {
        const value = spans[at++]!;
        toc.raw(keys.subarray(key, key + value - place));
        key += value - place;
        place = value;
      }
      const span = spans[at]!;
      const behind = Math.abs(span);
      if (span >= 0) {
        this.node(place + shift, behind + shift, 1);
      } else {
        const own = nodes[next++]!;
        toc.reserve(own);
        toc.buf.copyWithin(toc.pos, child, child + own);
        toc.pos += own;
        child += own;
      }
      // Keys that still lie in the data's buffer stand between the values.
      if (!children.packed) key += behind - place;
      place = behind;
    }
    toc.buf.copyWithin(node, from, toc.pos);
    toc.pos -= from - node;
  }

  /** Appends the head of a node of `entries` entries and its "p", in positions from the origin. */
  node(start: number, end: number, entries: number): void {
    const { toc } = this;
    toc.map(entries);
    toc.string("p");
    toc.array(2);
    toc.int(start);
    toc.int(end);
  }

  /** A typed array as a list of numbers; floats in the shape that the reference gives a row of a numpy array. */
  #numbers(array: NumberArray, depth: number): boolean {
    const { data } = this;
    const { length } = array;
    const isFloat = array instanceof Float64Array || array instanceof Float32Array;
    if (!isFloat) {
      // Whole numbers have the shape of any list.
      return this.#list(Array.prototype.slice.call(array), depth);
    }
    const start = data.pos;
    const node = this.toc.pos;
    this.deeper(depth);
    data.array(length);
    const body = data.pos;
    for (let i = 0; i < length; i++) data.float(array[i] as number);
    const size = data.pos - start;
    if (!this.#python || this.isSmall(size) || data.pos - body !== length * 9) {
      // Where CBOR writes NaN and infinities shorter, the reference's numpy path breaks; the bytes are cut as in any list.
      return this.#trivialSize >= 9
        ? this.#closeNumbers(start, body, length, node)
        : this.#closeFloats(start, body, length, node);
    }
    // The "python" backend cuts blocks of equal counts, and makes one block where they all fit it.
    const group = Math.min(length, Math.floor(this.options.threshold / 9) + 1);
    const blocks: number[] = [];
    for (let done = 0; done < length; done += group) {
      const count = Math.min(group, length - done);
      blocks.push(count, body + done * 9, body + (done + count) * 9);
    }
    this.blockNode(blocks, this.shift, 1);
    return false;
  }

  /** Ends a list of floats that are not trivial: one entry for each. */
  #closeFloats(start: number, body: number, count: number, node: number): boolean {
    const top = this.#top;
    let trivial = true;
    for (let i = 0, at = body; i < count; i++) {
      const size = this.data.numberSize(at);
      if (size > this.#trivialSize) trivial = false;
      at += size;
      this.#push(at);
    }
    return this.#close(start, body, top, this.#nodes.length, node, false, trivial);
  }

  /** Writes an encoded item in canonical form, and moves it behind what was written. */
  #encoded(item: EncodedItem, depth: number): boolean {
    const { data } = this;
    const { cursor } = item;
    const head: Item = { kind: "other", value: 0 };
    const place = item.at;
    const behind = cursor.head(place, head);
    const start = data.pos;
    if (head.kind === "array" || head.kind === "map") {
      item.at = behind;
      return this.#encodedContainer(item, head.kind === "map", head.value, depth);
    }
    if (head.value < 0 && (head.kind === "text" || head.kind === "bytes")) head.kind = "other";
    const end = head.kind === "text" || head.kind === "bytes" ? behind + head.value : behind;
    item.at = end;
    if (head.kind === "text") data.utf8(cursor.bytes.subarray(behind, end));
    else if (head.kind === "bytes") data.bytes(cursor.bytes.subarray(behind, end));
    else if (head.kind === "null") data.nil();
    else if (head.kind !== "other" && Number.isSafeInteger(head.value)) data.int(head.value);
    else {
      item.at = cursor.skip(place);
      const value = item.decode(cursor.bytes.subarray(place, item.at));
      // A number that was not found to be an integer is a float.
      if (typeof value !== "number" || head.kind !== "other") return this.value(value, depth);
      data.float(value);
    }
    return data.pos - start <= this.#trivialSize;
  }

  #encodedContainer(item: EncodedItem, isMap: boolean, announced: number, depth: number): boolean {
    const { data } = this;
    const { cursor } = item;
    let count = announced;
    if (announced < 0) {
      // Of indefinite length: the items are counted up to the break.
      count = 0;
      for (let at = item.at; cursor.bytes[at] !== 0xff; at = cursor.skip(at)) count++;
      if (isMap) count /= 2;
    }
    const start = data.pos;
    const top = this.#top;
    const nodes = this.#nodes.length;
    const node = this.toc.pos;
    this.deeper(depth);
    if (isMap) data.map(count);
    else data.array(count);
    const body = data.pos;
    let trivial = true;
    for (let i = 0; i < count; i++) {
      if (isMap) {
        this.key(item);
        this.#push(data.pos);
      }
      const before = this.toc.pos;
      if (!this.#encoded(item, depth + 1)) trivial = false;
      const own = this.toc.pos - before;
      if (own === 0) this.#push(data.pos);
      else this.#pushNode(data.pos, own);
    }
    if (announced < 0) item.at++;
    return this.#close(start, body, top, nodes, node, isMap, trivial);
  }

  #ndArray(array: NdArray, depth: number): boolean {
    if (this.options.numpy === "rows") return this.value(array.toRows(), depth);
    const start = this.data.pos;
    this.data.bytes(encodeNumpyPickle(array));
    return this.data.pos - start <= this.#trivialSize;
  }
}

const { hasOwnProperty: hasOwn } = Object.prototype;

/** What is known of a container's children when it ends. */
interface Children {
  /** For a map where each value starts and ends, for a list where each item ends; negative for a child with a node of its own. */
  readonly spans: ArrayLike<number>;
  readonly first: number;
  readonly last: number;
  /** Lengths of the nodes of those children. */
  readonly nodes: ArrayLike<number>;
  readonly firstNode: number;
  /** The bytes of the keys: one after the other (`packed`), or still with the values between them. */
  readonly keys: Uint8Array;
  readonly keysAt: number;
  readonly packed: boolean;
  /** What to add to the places to get positions from the origin. */
  readonly shift: number;
}

/** A container that is written step by step. Positions count from the origin. */
export interface StreamedContainer {
  readonly start: number;
  /** Where its first child, after its head, starts. */
  readonly body: number;
  /** Where its node begins in the table's buffer. */
  readonly node: number;
  readonly isMap: boolean;
  readonly trivial: boolean;
  readonly spans: readonly number[];
  readonly nodes: readonly number[];
  readonly keys: Uint8Array;
}

/** A state of the encoder to go back to. */
export interface Mark {
  readonly data: number;
  readonly toc: number;
  readonly top: number;
  readonly nodes: number;
}

/** Cuts a list of trivial items into blocks. */
export class BlockCutter {
  readonly #size: number;
  readonly #blocks: number[] = [];
  #start: number;
  #end: number;
  #count = 0;

  /** `size`: an item that makes a block this long closes it. `start`: where the first item starts. */
  constructor(size: number, start: number) {
    this.#size = size;
    this.#start = start;
    this.#end = start;
  }

  /** Takes the next item, which ends at `end`. */
  item(end: number): void {
    this.#count++;
    this.#end = end;
    if (end - this.#start >= this.#size) this.#cut();
  }

  #cut(): void {
    this.#blocks.push(this.#count, this.#start, this.#end);
    this.#start = this.#end;
    this.#count = 0;
  }

  /** Count, start and end of each block. */
  finish(): readonly number[] {
    if (this.#count > 0) this.#cut();
    return this.#blocks;
  }
}

/** Any typed array of numbers or big integers. */
type NumberArray = ArrayLike<number | bigint>;

/** Whether a value is written step by step: an iterable of items or entries, or a lazy handle. */
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

/** Adds the key under which a value could not be written to the error that says so. */
export function located(error: unknown, key: unknown): unknown {
  if (!(error instanceof PeekpackError) || (error.code !== "unsupported-value" && error.code !== "limit"))
    return error;
  const plain = error.message.replace(/ \(at .*\)$/s, "");
  const path = [key, ...(error.path ?? [])];
  return new PeekpackError(error.code, `${plain} (at ${describePath(path)})`, { path, cause: error.cause });
}

function describePath(path: readonly unknown[]): string {
  const shown = path.length > 12 ? [...path.slice(0, 6), "…", ...path.slice(-5)] : path;
  return shown.map((key) => (typeof key === "string" ? key : String(key))).join("/");
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
