import type { Cursor, Item } from "./cursor.js";
import { hashBytes } from "./hash.js";

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
  keys: Uint32Array;
  /** Offsets of the nodes. */
  nodes: Uint32Array;
  /** Distinct keys. */
  size = 0;
  /** Open addressing: index of an entry + 1, or 0. A power of two, at most half full. */
  readonly #slots: Uint32Array;
  /** Hashes of the keys, until all are read: most keys differ in them. */
  #hashes: Uint32Array;
  /** Seed of the hash. It is random, so that no archive can be made whose keys all collide. */
  readonly #seed: number = Math.floor(Math.random() * 2 ** 32);
  /** Entries that were read, and where the next one is. */
  #read = 0;
  #at: number;

  /** Makes room for `count` entries from an offset on. {@link read} reads them. */
  constructor(offset: number, count: number) {
    this.#at = offset;
    this.keys = new Uint32Array(count);
    this.nodes = new Uint32Array(count);
    this.#hashes = new Uint32Array(count);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(count, 1) * 2)));
  }

  /** Upper bound of {@link byteLength} for `count` entries. */
  static maxBytes(count: number): number {
    return 24 * count + 128;
  }

  /** Memory that the table takes, in bytes. */
  get byteLength(): number {
    return this.keys.byteLength + this.nodes.byteLength + this.#slots.byteLength + 128;
  }

  /** Reads up to `limit` more entries: other work may run in between. Returns whether all were read. */
  read(view: SkippableView, limit: number): boolean {
    const { cursor } = view;
    const { bytes } = cursor;
    const { keys, nodes } = this;
    const hashes = this.#hashes;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const item: Item = { kind: "other", value: 0 };
    const { length } = keys;
    const end = Math.min(length, this.#read + limit);
    let { size } = this;
    let at = this.#at;
    for (let i = this.#read; i < end; i++) {
      const key = at;
      let start = cursor.head(key, item);
      const isText = item.kind === "text" && item.value >= 0;
      if (isText) {
        at = start + item.value;
      } else {
        start = key;
        at = cursor.skip(key);
      }
      const code = hashBytes(this.#seed, bytes, start, at);
      let slot = code & mask;
      let known = slots[slot]!;
      for (; known !== 0; known = slots[slot]!) {
        if (hashes[known - 1] === code && isSame(cursor, keys[known - 1]!, isText, bytes, start, at)) break;
        slot = (slot + 1) & mask;
      }
      if (known !== 0) {
        nodes[known - 1] = at;
      } else {
        keys[size] = key;
        nodes[size] = at;
        hashes[size] = code;
        slots[slot] = ++size;
      }
      // The last node is not skipped: in a chain of nodes that would take quadratic time.
      if (i + 1 < length) at = view.skip(at);
    }
    this.#read = end;
    this.#at = at;
    this.size = size;
    if (end < length) return false;
    this.#hashes = new Uint32Array(0);
    if (size < length) {
      this.keys = keys.slice(0, size);
      this.nodes = nodes.slice(0, size);
    }
    return true;
  }

  /** The index of the entry under a text key, given as UTF-8. −1 if there is none. */
  find(cursor: Cursor, key: Uint8Array): number {
    const mask = this.#slots.length - 1;
    let slot = hashBytes(this.#seed, key, 0, key.length) & mask;
    for (let known = this.#slots[slot]!; known !== 0; known = this.#slots[slot]!) {
      if (isTextKey(cursor, this.keys[known - 1]!, key)) return known - 1;
      slot = (slot + 1) & mask;
    }
    return -1;
  }
}

/** Whether the item at an offset is a given text. */
export function isTextKey(cursor: Cursor, offset: number, key: Uint8Array): boolean {
  return isSame(cursor, offset, true, key, 0, key.length);
}

/**
 * Whether the key at an offset is the same as another one: the same text, or any other key with the same encoding. The other
 * one's bytes are from `start` to `end`, of a text without its head.
 */
function isSame(
  cursor: Cursor,
  offset: number,
  isText: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const item: Item = { kind: "other", value: 0 };
  let from = cursor.head(offset, item);
  let length = item.value;
  if (isText !== (item.kind === "text" && length >= 0)) return false;
  if (!isText) {
    from = offset;
    length = cursor.skip(offset) - offset;
  }
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== cursor.bytes[from + i]) return false;
  return true;
}
