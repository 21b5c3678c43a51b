import { PeekpackError } from "../errors.js";
import type { Value } from "../values.js";
import { KeyCollisions } from "./key-collisions.js";

/** What the next item is: an entry of a record or map (its key comes first), a key or value of a map, an item of a list, what a tag encloses. */
export const RECORD = 0;
export const MAP = 1;
export const KEY = 2;
export const VALUE = 3;
export const LIST = 4;
export const TAG = 5;

type Kind = typeof RECORD | typeof MAP | typeof KEY | typeof VALUE | typeof LIST | typeof TAG;
type Container = Value[] | { [key: string]: Value } | Map<Value, Value>;

/** V8 refuses Maps of 2^24 entries, and larger objects take it minutes. */
export const MAX_ENTRIES = 16_700_000;
/** V8 ends the process for lists that grow to 2^27 items. */
const MAX_ELEMENTS = 112_800_000;
/** V8 makes larger arrays, when they are allocated at once, into hash tables. */
const MAX_ALLOCATED = 2 ** 25;

/** Estimates of what a value takes of V8's heap, in bytes: measured, and rounded up to multiples of 16. */
const CONTAINER_HEAP = 64;
const MAP_HEAP = 192;
const ITEM_HEAP = 16;
/** The estimate for a byte string, an extension or a date, without its content. */
export const OBJECT_HEAP = 256;
/** The estimate for a key that was not read before. */
export const KEY_HEAP = 64;

/** Larger maps are watched for keys that were chosen to collide. */
const WATCHED = 2048;

const NO_LIST: Value[] = [];
const NO_RECORD: { [key: string]: Value } = {};
const NO_MAP: Map<Value, Value> = new Map();

/** A container that waits while one inside it is read. */
class Frame {
  kind: Kind = LIST;
  container: Container = NO_LIST;
  index = 0;
  end = 0;
  key: Value = undefined;
  slot = 0;
  order: string[] | undefined = undefined;
}

/**
 * Puts decoded items together: holds the container that is being filled, and a stack of those around it. Recursion would
 * overflow the engine's stack on deep values.
 */
export class ValueBuilder {
  kind: Kind = LIST;
  /** How many items or entries the container has, and shall have. */
  index = 0;
  end: number;
  depth = 0;
  /** The key of the entry that is being read, its slot in the key cache, or the number of a tag. */
  key: Value = undefined;
  slot = 0;
  #list: Value[];
  #record = NO_RECORD;
  #map = NO_MAP;
  #collisions: KeyCollisions | undefined = undefined;
  /** The keys of a record in order, from the first on that begins with a digit: engines put integers first. */
  #order: string[] | undefined = undefined;
  readonly #frames: Frame[] = [];
  readonly #alwaysMaps: boolean;
  readonly #maxDepth: number;
  readonly #maxHeap: number;
  /** Estimated memory of everything that was built, in bytes. */
  heap = 0;

  /**
   * Begins with a list of `count` items.
   * @param size length of the encoding: texts and byte strings take as much
   */
  constructor(count: number, size: number, alwaysMaps: boolean, maxDepth: number, maxHeap: number) {
    this.end = count;
    this.#alwaysMaps = alwaysMaps;
    this.#maxDepth = maxDepth;
    this.#maxHeap = maxHeap;
    this.weigh(size + ITEM_HEAP * count, 0);
    this.#list = newList(count);
  }

  /** Counts memory of something that is built. @throws PeekpackError `limit` */
  weigh(bytes: number, at: number): void {
    this.heap += bytes;
    if (this.heap > this.#maxHeap) {
      throw limit(`The values take more than ${this.#maxHeap} bytes of memory (limit maxHeapBytes).`, at);
    }
  }

  /** An empty list or map. */
  empty(isMap: boolean, at: number): Value {
    this.weigh(isMap && this.#alwaysMaps ? MAP_HEAP : CONTAINER_HEAP, at);
    return !isMap ? [] : this.#alwaysMaps ? new Map() : {};
  }

  /** Begins a container of `count` items or entries (−1: until its end is set), whose head ends at `at`. @throws PeekpackError `limit` */
  begin(kind: typeof LIST | typeof MAP | typeof TAG, count: number, at: number): void {
    if (this.depth >= this.#maxDepth) {
      throw limit(`More than ${this.#maxDepth} levels (limit maxDepth).`, at);
    }
    if (this.depth === this.#frames.length) this.#frames.push(new Frame());
    const frame = this.#frames[this.depth++]!;
    frame.kind = this.kind;
    frame.container = this.kind >= LIST ? this.#list : this.kind === RECORD ? this.#record : this.#map;
    frame.index = this.index;
    frame.end = this.end;
    frame.key = this.key;
    frame.slot = this.slot;
    frame.order = this.#order;
    this.index = 0;
    this.end = count;
    this.#order = undefined;
    this.weigh(
      (kind === MAP && this.#alwaysMaps ? MAP_HEAP : CONTAINER_HEAP) + ITEM_HEAP * Math.max(count, 0),
      at,
    );
    if (kind === MAP) {
      if (count > MAX_ENTRIES)
        throw limit(`A map of ${count} entries; at most ${MAX_ENTRIES} can be read.`, at);
      this.kind = this.#alwaysMaps ? MAP : RECORD;
      if (this.#alwaysMaps) this.#map = new Map();
      else this.#record = {};
    } else {
      if (count > MAX_ELEMENTS)
        throw limit(`A list of ${count} items; at most ${MAX_ELEMENTS} can be read.`, at);
      this.kind = kind;
      this.#list = newList(count);
    }
  }

  /** Ends the container that is being filled, and returns it. Of a tag, what it encloses. */
  close(): Value {
    const { kind } = this;
    const value =
      kind === LIST ? this.#list : kind === RECORD ? this.#record : kind === TAG ? this.#list[0] : this.#map;
    const frame = this.#frames[--this.depth]!;
    this.kind = frame.kind;
    if (frame.kind >= LIST) this.#list = frame.container as Value[];
    else if (frame.kind === RECORD) this.#record = frame.container as { [key: string]: Value };
    else this.#map = frame.container as Map<Value, Value>;
    this.index = frame.index;
    this.end = frame.end;
    this.key = frame.key;
    this.slot = frame.slot;
    this.#order = frame.order;
    return value;
  }

  /** Names the entry that is read next. `digit`: the key begins with one. */
  name(key: string, slot: number, digit: boolean): void {
    this.key = key;
    this.slot = slot;
    if (this.kind !== RECORD) return;
    if (digit && this.#order === undefined) this.#order = Object.keys(this.#record);
    if (this.#order !== undefined) this.#order.push(key);
  }

  /** Takes the next item as a key. A record becomes a Map. */
  nextIsKey(): void {
    if (this.kind === RECORD) {
      const record = this.#record;
      this.#map = new Map();
      for (const key of this.#order ?? Object.keys(record)) this.#map.set(key, record[key]);
      this.#order = undefined;
    }
    this.kind = KEY;
  }

  /** Adds the item that was read. A key that occurs again keeps its first position and takes the last value. */
  put(value: Value): void {
    const { kind } = this;
    if (kind >= LIST) this.#list[this.index++] = value;
    else if (kind === RECORD) {
      if (this.slot === 0 && this.key === "__proto__") {
        // An assignment would set the prototype.
        const own = { value, enumerable: true, configurable: true, writable: true };
        Object.defineProperty(this.#record, this.key, own);
      } else this.#record[this.key as string] = value;
      this.index++;
    } else if (kind === KEY) {
      this.key = value;
      this.slot = 0;
      this.kind = VALUE;
    } else {
      this.#map.set(this.key, value);
      if (this.#map.size > WATCHED && typeof this.key !== "string") {
        this.#collisions ??= new KeyCollisions();
        this.#collisions.note(this.#map, this.key);
      }
      this.kind = MAP;
      this.index++;
    }
  }

  /** The list that the builder began with. */
  get root(): Value[] {
    return this.#list;
  }
}

/** Keeps the hidden classes alive: engines discard code that was compiled for a class without instances. */
export const NO_BUILDER: ValueBuilder = new ValueBuilder(0, 0, false, 1, 1024);
NO_BUILDER.begin(LIST, 0, 0);

function newList(count: number): Value[] {
  return count > MAX_ALLOCATED || count < 0 ? [] : new Array(count);
}

function limit(message: string, offset: number): PeekpackError {
  return new PeekpackError("limit", message, { section: "data", offset });
}
