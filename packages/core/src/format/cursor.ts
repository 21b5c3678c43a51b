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
 * Offsets are plain numbers that the caller keeps. A cursor has no state but the bytes.
 */
export abstract class Cursor {
  readonly bytes: Uint8Array;
  protected readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reads the head at `at` into `item` and returns the offset after it. */
  abstract head(at: number, item: Item): number;
  /** The offset after the whole item at `at`, with all that it holds. */
  abstract skip(at: number): number;
}

/** Fills in a head that was read, and returns the offset after it. */
export function found(item: Item, kind: ItemKind, value: number, after: number): number {
  item.kind = kind;
  item.value = value;
  return after;
}
