import type { Cursor, Item } from "./cursor.js";

/** Entries that are read before other work may run. */
const STEP = 1024;

/** A table, or a page of one, whose items can be skipped. */
interface SkippableView {
  readonly cursor: Cursor;
  skip(offset: number): number;
}

/**
 * The entries of a map in a table: the offset of each key and each node, with a hash table over the keys. A duplicate
 * key keeps its first position and its last node.
 */
export class KeyTable {
  /** Offsets of the keys, in the order of the map. */
  readonly keys: Uint32Array;
  /** Offsets of the nodes. */
  readonly nodes: Uint32Array;
  /** Distinct keys. */
  readonly size: number;
  /** Open addressing: index of an entry + 1, or 0. A power of two, at most half full. */
  readonly #slots: Uint32Array;
  /** Seed of the hash. It is random, so that no archive can be made whose keys all collide. */
  readonly #seed: number;

  private constructor(keys: Uint32Array, nodes: Uint32Array, slots: Uint32Array, seed: number, size: number) {
    this.keys = keys;
    this.nodes = nodes;
    this.#slots = slots;
    this.#seed = seed;
    this.size = size;
  }

  /** Upper bound of {@link byteLength} for `count` entries. */
  static maxBytes(count: number): number {
    return 24 * count + 128;
  }

  /** Memory that the table takes, in bytes. */
  get byteLength(): number {
    return this.keys.byteLength + this.nodes.byteLength + this.#slots.byteLength + 128;
  }

  /** Reads `count` keys and nodes from an offset on. */
  static read(view: SkippableView, offset: number, count: number): KeyTable {
    const steps = KeyTable.reading(view, offset, count);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  /** The same in steps, between which other work may run. */
  static *reading(view: SkippableView, offset: number, count: number): Generator<undefined, KeyTable> {
    const { cursor } = view;
    const keys = new Uint32Array(count);
    const nodes = new Uint32Array(count);
    const slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(count, 1) * 2)));
    const mask = slots.length - 1;
    const seed = Math.floor(Math.random() * 2 ** 32);
    const item: Item = { kind: "other", value: 0 };
    let size = 0;
    let at = offset;
    for (let i = 0; i < count; i++) {
      const key = at;
      const { start, end, isText } = content(cursor, key, item);
      at = end;
      let slot = hash(seed, cursor.bytes, start, end) & mask;
      let known = slots[slot]!;
      for (; known !== 0; known = slots[slot]!) {
        const other = content(cursor, keys[known - 1]!, item);
        if (
          isText === other.isText &&
          sameBytes(cursor.bytes, start, end, cursor.bytes, other.start, other.end)
        ) {
          break;
        }
        slot = (slot + 1) & mask;
      }
      if (known !== 0) {
        nodes[known - 1] = at;
      } else {
        keys[size] = key;
        nodes[size] = at;
        slots[slot] = ++size;
      }
      // The last node is not skipped: in a chain of nodes that would take quadratic time.
      if (i + 1 < count) at = view.skip(at);
      if (i % STEP === STEP - 1) yield;
    }
    return size === count
      ? new KeyTable(keys, nodes, slots, seed, size)
      : new KeyTable(keys.slice(0, size), nodes.slice(0, size), slots, seed, size);
  }

  /** The index of the entry under a text key, given as UTF-8. −1 if there is none. */
  find(cursor: Cursor, key: Uint8Array): number {
    const mask = this.#slots.length - 1;
    const item: Item = { kind: "other", value: 0 };
    let slot = hash(this.#seed, key, 0, key.length) & mask;
    for (let known = this.#slots[slot]!; known !== 0; known = this.#slots[slot]!) {
      if (isTextKey(cursor, this.keys[known - 1]!, key, item)) return known - 1;
      slot = (slot + 1) & mask;
    }
    return -1;
  }
}

/** Whether the item at an offset is a given text. */
export function isTextKey(cursor: Cursor, offset: number, key: Uint8Array, item: Item): boolean {
  const start = cursor.head(offset, item);
  return (
    item.kind === "text" &&
    item.value === key.length &&
    sameBytes(key, 0, key.length, cursor.bytes, start, start + key.length)
  );
}

/** What makes two keys the same: the bytes of a text, or the whole encoding of any other key. */
function content(
  cursor: Cursor,
  offset: number,
  item: Item,
): { readonly start: number; readonly end: number; readonly isText: boolean } {
  const start = cursor.head(offset, item);
  return item.kind === "text" && item.value >= 0
    ? { start, end: start + item.value, isText: true }
    : { start: offset, end: cursor.skip(offset), isText: false };
}

function sameBytes(
  a: Uint8Array,
  start: number,
  end: number,
  b: Uint8Array,
  from: number,
  to: number,
): boolean {
  if (end - start !== to - from) return false;
  for (let i = 0; i < end - start; i++) if (a[start + i] !== b[from + i]) return false;
  return true;
}

/** FNV-1a with 32 bits and a seed, then MurmurHash3's finalizer: without it, the low bits depend on few bytes. */
function hash(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let at = start; at < end; at++) value = Math.imul(value ^ bytes[at]!, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
