import { PeekpackError } from "../errors.js";
import { NdArray, type Rows } from "../nd-array.js";
import { encodeNumpyPickle } from "../numpy/pickle-writer.js";
import { Float64 } from "../values.js";
import { EncodedItem, writeEncoded } from "./encoded-item.js";
import { located } from "./misplaced.js";
import { endNumbers, type NumberArray, writeNumbers } from "./number-column.js";
import type { ResolvedEncodeOptions } from "./options.js";
import type { Packer } from "./packer.js";
import { sortedSet } from "./sorted-set.js";
import { ListStream, MapStream } from "./stream.js";
import { TocBuilder } from "./toc-builder.js";

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

/** A state of the encoder to go back to. */
export interface Mark {
  readonly data: number;
  readonly toc: number;
  readonly top: number;
  readonly nodes: number;
  readonly frames: number;
}

/** Numbers kept of each open container: start, body, and the tops of the stacks of spans, node lengths and table bytes. */
const FRAME = 5;

/**
 * Encodes values and builds the table of contents in the same pass.
 *
 * While a container is open, where its children end (for a map: start and end) lies on one stack. Most containers end as
 * leaves: then the stack is cut back, and no node was ever made for the children. Places are counted in the data's buffer;
 * `shift` makes positions from the origin (the end of the header) of them.
 */
export class ArchiveEncoder {
  readonly data: Packer;
  readonly toc: TocBuilder;
  readonly options: ResolvedEncodeOptions;
  /** What to add to a place in the buffer to get its position from the origin. */
  shift: number;
  readonly #trivialSize: number;
  readonly #allFloats: boolean;
  /** Whether plain objects inherit enumerable properties. */
  readonly #inherits: boolean = Object.keys(Object.prototype).length > 0;
  /** The stack: 32 bits a number. A child with a node of its own has the sign of its end turned. */
  #spans = new Int32Array(1024);
  #top = 0;
  /** Lengths of the nodes of those children, in order. */
  readonly #nodes: number[] = [];
  /** The containers that are open. Numbers on a stack and no objects: there may be millions. */
  #frames = new Int32Array(FRAME * 64);
  #frame = 0;

  constructor(data: Packer, toc: Packer, shift: number, options: ResolvedEncodeOptions) {
    this.data = data;
    this.toc = new TocBuilder(toc, options);
    this.shift = shift;
    this.options = options;
    this.#trivialSize = options.trivialSize;
    this.#allFloats = options.floats === "all";
  }

  /** Where everything stands, to come back to with {@link rewind} when an attempt failed. */
  mark(): Mark {
    return {
      data: this.data.pos,
      toc: this.toc.packer.pos,
      top: this.#top,
      nodes: this.#nodes.length,
      frames: this.#frame,
    };
  }

  rewind(mark: Mark): void {
    this.data.pos = mark.data;
    this.toc.packer.pos = mark.toc;
    this.#top = mark.top;
    this.#nodes.length = mark.nodes;
    this.#frame = mark.frames;
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

  /** Encodes a map's key, at the depth of its value. It has no node of its own: its bytes are repeated in the map's. */
  key(key: unknown, depth: number): void {
    if (typeof key === "string") {
      this.data.string(key);
      return;
    }
    // A container as a key leaves spans and nodes on the stacks; they are not wanted.
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
      return writeNumbers(this, value as unknown as NumberArray, depth);
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

  /** Encodes what a tag stands before: one level deeper, and without nodes of its own, as a key. */
  #tagged(inner: unknown, depth: number): void {
    this.deeper(depth);
    this.key(inner, depth + 1);
  }

  #array(array: NdArray, depth: number): boolean {
    const rows = array.toRows();
    const isFloat = array.shape.length === 0 && array.dtype.startsWith("float");
    return isFloat ? this.value(new Float64(rows as number), depth) : this.#rows(rows, depth);
  }

  /** Encodes rows of an array. A row of bytes is a list of numbers here. */
  #rows(rows: Rows, depth: number): boolean {
    if (ArrayBuffer.isView(rows)) return writeNumbers(this, rows as NumberArray, depth);
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
      for (let item = list[0] as unknown; typeof item === "number"; item = list[i]) {
        if (this.#allFloats || !isInteger(item)) {
          data.float(item);
          floats++;
        } else {
          data.int(item);
        }
        if (++i === count) return endNumbers(this, body, count, floats === count);
      }
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
    // for … in is the one way to an object's values that stays fast over objects of many shapes. It also gives what is
    // inherited: nothing, unless somebody has put enumerable properties on Object.prototype.
    const inherits = this.#inherits;
    let count = 0;
    for (const key in record) if (!inherits || Object.hasOwn(record, key)) count++;
    if (count === 0 && mustStream(record)) throw new NeedsStream(record);
    this.begin(true, count, depth);
    const { data } = this;
    const { packer } = this.toc;
    let trivial = true;
    let current = "";
    try {
      for (const key in record) {
        if (inherits && !Object.hasOwn(record, key)) continue;
        current = key;
        data.string(key);
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

  /**
   * Begins a container of `count` children and writes its head. For each child, in order: `note` where it starts (a map's
   * value only), then `noteEnd`.
   * @throws PeekpackError `limit` when it is nested too deep.
   */
  begin(isMap: boolean, count: number, depth: number): void {
    if (depth >= this.options.maxDepth) this.deeper(depth);
    const { data } = this;
    if (this.#frame === this.#frames.length) this.#frames = widened(this.#frames);
    const frames = this.#frames;
    const at = this.#frame;
    frames[at] = data.pos;
    if (isMap) data.map(count);
    else data.array(count);
    frames[at + 1] = data.pos;
    frames[at + 2] = this.#top;
    frames[at + 3] = this.#nodes.length;
    frames[at + 4] = this.toc.packer.pos;
    this.#frame = at + FRAME;
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

  /** Notes a place: where a map's value starts, or where a child without a node of its own ends. */
  note(place: number): void {
    if (this.#top === this.#spans.length) this.#spans = widened(this.#spans);
    this.#spans[this.#top++] = place;
  }

  /** Notes that a child ends here. `before`: where the table's buffer ended before it. */
  noteEnd(before: number): void {
    const own = this.toc.packer.pos - before;
    if (own === 0) {
      this.note(this.data.pos);
    } else {
      this.note(-this.data.pos);
      this.#nodes.push(own);
    }
  }

  /** Ends the container that was begun last, and appends its node unless it is a leaf. Returns whether it is trivial. */
  end(isMap: boolean, trivial: boolean): boolean {
    const { toc, data } = this;
    this.#frame -= FRAME;
    const at = this.#frame;
    const frames = this.#frames;
    const start = frames[at]!;
    const top = frames[at + 2]!;
    const nodes = frames[at + 3]!;
    const node = frames[at + 4]!;
    const end = data.pos;
    if (toc.isSmall(end - start) || (trivial && isMap)) {
      toc.packer.pos = node;
    } else {
      const body = frames[at + 1]!;
      toc.close({
        isMap,
        trivial,
        start,
        body,
        end,
        shift: this.shift,
        node,
        spans: this.#spans,
        first: top,
        last: this.#top,
        nodes: this.#nodes,
        firstNode: nodes,
        keys: data.buf,
        keysAt: body,
      });
    }
    this.#top = top;
    if (this.#nodes.length > nodes) this.#nodes.length = nodes;
    return toc.packer.pos === node && end - start <= this.#trivialSize;
  }

  /** Ends a list of trivial items, none of which was noted, whose blocks are known: a node where there are at least `least`. */
  endBlocks(blocks: readonly number[], least: number): boolean {
    this.#frame -= FRAME;
    const { toc, data } = this;
    const size = data.pos - this.#frames[this.#frame]!;
    const node = toc.packer.pos;
    if (!toc.isSmall(size)) toc.blocks(blocks, this.shift, least);
    return toc.packer.pos === node && size <= this.#trivialSize;
  }
}

function widened(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(numbers.length * 2);
  wide.set(numbers);
  return wide;
}

/** Whether a number is written as an integer: −0 is a float, and so is what a double may have rounded. */
function isInteger(value: number): boolean {
  return (value | 0) === value ? value !== 0 || 1 / value > 0 : Number.isSafeInteger(value) && value !== 0;
}

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
