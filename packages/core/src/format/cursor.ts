import type { Protocol } from "./header.js";

/** What kind of item a cursor has found. Bytes, text, arrays and maps have a `value`: length or count; integers theirs. */
export type ItemKind = "uint" | "int" | "bytes" | "text" | "array" | "map" | "null" | "other";

/** The head of an item: its kind and number. */
export interface Item {
  kind: ItemKind;
  /** The integer itself, the length in bytes, or the count of items or entries. −1: of indefinite length (CBOR). */
  value: number;
}

/** Whether a head is of a kind. A function, because the compiler would take what it knows of `kind` for lasting. */
export function is(item: Item, kind: ItemKind): boolean {
  return item.kind === kind;
}

/**
 * Walks over encoded items without decoding them. The bytes must have been scanned before: a cursor checks nothing.
 * Places are plain numbers that the caller keeps; a cursor has no state but the bytes.
 */
export abstract class Cursor {
  readonly bytes: Uint8Array;
  protected readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reads the head at `at` into `item` and returns the place behind the head. */
  abstract head(at: number, item: Item): number;
  /** The place behind the whole item at `at`, with all that it holds. */
  abstract skip(at: number): number;
}

/** A cursor over scanned bytes of one protocol. */
export function cursorOver(bytes: Uint8Array, protocol: Protocol): Cursor {
  return protocol === "cbor" ? new CborCursor(bytes) : new MsgpackCursor(bytes);
}

class MsgpackCursor extends Cursor {
  override head(at: number, item: Item): number {
    const type = this.bytes[at]!;
    if (type < 0x80) return set(item, "uint", type, at + 1);
    if (type < 0x90) return set(item, "map", type & 15, at + 1);
    if (type < 0xa0) return set(item, "array", type & 15, at + 1);
    if (type < 0xc0) return set(item, "text", type & 31, at + 1);
    if (type >= 0xe0) return set(item, "int", type - 0x100, at + 1);
    switch (type) {
      case 0xc0:
        return set(item, "null", 0, at + 1);
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#sized(at, type - 0xc4, "bytes", item);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#sized(at, type - 0xcc, "uint", item);
      case 0xcf:
        return set(item, "uint", this.view.getUint32(at + 1) * 2 ** 32 + this.view.getUint32(at + 5), at + 9);
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3: {
        const value =
          type === 0xd0
            ? this.view.getInt8(at + 1)
            : type === 0xd1
              ? this.view.getInt16(at + 1)
              : type === 0xd2
                ? this.view.getInt32(at + 1)
                : Number(this.view.getBigInt64(at + 1));
        return set(item, value < 0 ? "int" : "uint", value, at + 1 + (1 << (type - 0xd0)));
      }
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#sized(at, type - 0xd9, "text", item);
      case 0xdc:
      case 0xdd:
        return this.#sized(at, type - 0xdb, "array", item);
      case 0xde:
      case 0xdf:
        return this.#sized(at, type - 0xdd, "map", item);
      default:
        return set(item, "other", 0, this.skip(at));
    }
  }

  /** A number of 1, 2 or 4 bytes (`width` 0, 1, 2) behind the type. */
  #sized(at: number, width: number, kind: ItemKind, item: Item): number {
    const value =
      width === 0
        ? this.bytes[at + 1]!
        : width === 1
          ? this.view.getUint16(at + 1)
          : this.view.getUint32(at + 1);
    return set(item, kind, value, at + 1 + (1 << width));
  }

  override skip(start: number): number {
    const { bytes, view } = this;
    let at = start;
    for (let left = 1; left > 0; left--) {
      const type = bytes[at++]!;
      if (type < 0x80 || type >= 0xe0) continue;
      if (type < 0xc0) {
        if (type >= 0xa0) at += type & 31;
        else left += type < 0x90 ? (type & 15) * 2 : type & 15;
        continue;
      }
      if (type <= 0xc3) continue;
      if (type >= 0xdc) {
        const count = type & 1 ? view.getUint32(at) : view.getUint16(at);
        at += type & 1 ? 4 : 2;
        left += type >= 0xde ? count * 2 : count;
      } else if (type === 0xca) at += 4;
      else if (type === 0xcb) at += 8;
      else if (type >= 0xcc && type <= 0xd3) at += 1 << ((type - 0xcc) & 3);
      else if (type >= 0xd4 && type <= 0xd8) at += 1 + (1 << (type - 0xd4));
      else {
        // Byte strings (c4), extensions (c7, one byte more for their type), texts (d9).
        const extension = type >= 0xc7 && type <= 0xc9;
        const width = type < 0xc7 ? type - 0xc4 : extension ? type - 0xc7 : type - 0xd9;
        const length = width === 0 ? bytes[at]! : width === 1 ? view.getUint16(at) : view.getUint32(at);
        at += (1 << width) + length + (extension ? 1 : 0);
      }
    }
    return at;
  }
}

const CBOR_KINDS: readonly ItemKind[] = ["uint", "int", "bytes", "text", "array", "map", "other", "other"];

class CborCursor extends Cursor {
  override head(at: number, item: Item): number {
    const type = this.bytes[at]!;
    if (type === 0xf6) return set(item, "null", 0, at + 1);
    const major = type >> 5;
    if (major >= 6) return set(item, "other", 0, this.skip(at));
    const behind = this.#number(at, item);
    item.kind = CBOR_KINDS[major]!;
    if (major === 1) item.value = -1 - item.value;
    return behind;
  }

  /** The number in a head; −1 for an indefinite length. */
  #number(at: number, item: Item): number {
    const info = this.bytes[at]! & 31;
    const { view } = this;
    if (info < 24) return set(item, "uint", info, at + 1);
    if (info === 24) return set(item, "uint", view.getUint8(at + 1), at + 2);
    if (info === 25) return set(item, "uint", view.getUint16(at + 1), at + 3);
    if (info === 26) return set(item, "uint", view.getUint32(at + 1), at + 5);
    if (info === 27)
      return set(item, "uint", view.getUint32(at + 1) * 2 ** 32 + view.getUint32(at + 5), at + 9);
    return set(item, "uint", -1, at + 1);
  }

  override skip(start: number): number {
    const item: Item = { kind: "other", value: 0 };
    /** What is left outside of each indefinite item that is open. Inside one, counting has no end. */
    const outside: number[] = [];
    let left = 1;
    let at = start;
    for (;;) {
      while (left === 0) {
        if (outside.length === 0) return at;
        left = outside.pop()!;
      }
      const type = this.bytes[at]!;
      if (type === 0xff) {
        at++;
        left = outside.pop()!;
        continue;
      }
      left--;
      const major = type >> 5;
      at = this.#number(at, item);
      const { value } = item;
      if (value === -1) {
        outside.push(left);
        left = Number.POSITIVE_INFINITY;
      } else if (major === 2 || major === 3) at += value;
      else if (major === 4) left += value;
      else if (major === 5) left += value * 2;
      else if (major === 6) left++;
    }
  }
}

function set(item: Item, kind: ItemKind, value: number, behind: number): number {
  item.kind = kind;
  item.value = value;
  return behind;
}
