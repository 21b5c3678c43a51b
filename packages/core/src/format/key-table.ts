import type { Cursor, Item } from "./cursor.js";

/**
 * The children of a map in a table of contents: where each key and each node stands, with a hash table over the keys' bytes.
 * 16 bytes for each child. A key that stands twice has its first place and its last node.
 */
export class KeyTable {
  /** Places of the keys, in the order of the map. */
  readonly keys: Uint32Array;
  /** Places of the nodes. */
  readonly nodes: Uint32Array;
  /** Open addressing: index of a child + 1, or 0. A power of two, at most half full. */
  readonly #slots: Uint32Array;
  /** Where the hash begins: random, so that no file can be made whose keys all collide. */
  readonly #seed: number;
  /** Distinct keys. */
  readonly size: number;

  /** Most memory that one child takes, in bytes: two places, and up to four slots. */
  static readonly MOST_BYTES = 24;

  private constructor(keys: Uint32Array, nodes: Uint32Array, slots: Uint32Array, seed: number, size: number) {
    this.keys = keys;
    this.nodes = nodes;
    this.#slots = slots;
    this.#seed = seed;
    this.size = size;
  }

  /** Memory it takes, in bytes. */
  get byteLength(): number {
    return this.keys.byteLength + this.nodes.byteLength + this.#slots.byteLength;
  }

  /** Reads `count` keys and nodes from `place` on. */
  static read(cursor: Cursor, place: number, count: number): KeyTable {
    const keys = new Uint32Array(count);
    const nodes = new Uint32Array(count);
    const slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(count, 1) * 2)));
    const mask = slots.length - 1;
    const seed = Math.floor(Math.random() * 2 ** 32);
    const item: Item = { kind: "other", value: 0 };
    let size = 0;
    let at = place;
    for (let i = 0; i < count; i++) {
      const key = at;
      const { start, end } = content(cursor, key, item);
      at = end;
      let slot = hash(seed, cursor.bytes, start, end) & mask;
      let known = slots[slot]!;
      for (; known !== 0; known = slots[slot]!) {
        const other = content(cursor, keys[known - 1]!, item);
        if (
          sameKind(cursor, key, keys[known - 1]!) &&
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
      // Not behind the last one: a chain of nodes would cost the square of its length.
      if (i + 1 < count) at = cursor.skip(at);
    }
    return size === count
      ? new KeyTable(keys, nodes, slots, seed, size)
      : new KeyTable(keys.slice(0, size), nodes.slice(0, size), slots, seed, size);
  }

  /** The index of the child under a text key, given as UTF-8; −1 when there is none. */
  find(cursor: Cursor, key: Uint8Array): number {
    const mask = this.#slots.length - 1;
    const item: Item = { kind: "other", value: 0 };
    let slot = hash(this.#seed, key, 0, key.length) & mask;
    for (let known = this.#slots[slot]!; known !== 0; known = this.#slots[slot]!) {
      const start = cursor.head(this.keys[known - 1]!, item);
      if (
        item.kind === "text" &&
        item.value === key.length &&
        sameBytes(key, 0, key.length, cursor.bytes, start, start + key.length)
      ) {
        return known - 1;
      }
      slot = (slot + 1) & mask;
    }
    return -1;
  }
}

/** The bytes of a text, or of any other key with its head: what makes two keys the same. */
function content(cursor: Cursor, place: number, item: Item): { start: number; end: number } {
  const start = cursor.head(place, item);
  return item.kind === "text" && item.value >= 0
    ? { start, end: start + item.value }
    : { start: place, end: cursor.skip(place) };
}

function sameKind(cursor: Cursor, a: number, b: number): boolean {
  const item: Item = { kind: "other", value: 0 };
  cursor.head(a, item);
  const isText = item.kind === "text";
  cursor.head(b, item);
  return isText === (item.kind === "text");
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

/** FNV-1a, 32 bits, with a starting value of our own. */
function hash(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let at = start; at < end; at++) value = Math.imul(value ^ bytes[at]!, 0x01000193);
  return value >>> 0;
}
