import type { ItemKind } from "./cursor.js";

/** A walk over bytes that nobody has checked finds a `break` (CBOR), and bytes that begin no item. */
export type WalkedKind = ItemKind | "break" | "malformed";

/** What {@link TableWalker.skip} returns if the item ends after the limit. */
export const BEYOND = -1;
/** What {@link TableWalker.skip} returns if the bytes are no item. */
export const MALFORMED = -2;

/** Bytes that must follow every offset that a walker reads at: the longest run of heads that it reads without a check. */
export const WALKER_MARGIN = 64;

/**
 * Walks over encoded items that were not checked, in a buffer that may hold only the beginning of them.
 * Heads are read into fields: an object for each would cost more than the walk.
 */
export abstract class TableWalker {
  /** The first four bytes of a leaf `{"p": [start, end]}`. */
  abstract readonly leaf: number;
  /** The first four bytes of a node `{"p": [start, end], "t": …}`. */
  abstract readonly branch: number;
  bytes: Uint8Array = new Uint8Array(0);
  protected view: DataView = new DataView(new ArrayBuffer(0));
  /** The head that was read last. */
  kind: WalkedKind = "other";
  /** Its integer, its length in bytes, or its count of items or entries. −1: of indefinite length. */
  value = 0;
  /** Bytes of content that follow the head. */
  payload = 0;
  /** Items inside that follow the head. −1: up to a break. */
  items = 0;

  /** Walks over `bytes` from now on. */
  attach(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Four bytes, to be compared with `leaf` and `branch`. */
  word(at: number): number {
    return this.view.getUint32(at);
  }

  /** Whether the head is that of a text of one byte, as a node's keys are. */
  isName(): boolean {
    return this.kind === "text" && this.value === 1;
  }

  /** Reads a head into the fields. Returns the offset after it. */
  abstract head(at: number): number;
  /** Reads an unsigned integer into `value`. Returns the offset after it, or {@link MALFORMED} if there is none. */
  abstract uint(at: number): number;
  /** The offset after an item with all it holds; {@link BEYOND} if that is after `limit`, or {@link MALFORMED}. */
  abstract skip(at: number, limit: number): number;
  /** The value of a key that is a number; the text or the bytes of one in pieces. Undefined for any other key. */
  abstract key(at: number, end: number): number | bigint | Uint8Array | string | undefined;

  /** Fills in a head. Returns `after`. */
  protected found(kind: WalkedKind, value: number, after: number, payload: number, items: number): number {
    this.kind = kind;
    this.value = value;
    this.payload = payload;
    this.items = items;
    return after;
  }
}
