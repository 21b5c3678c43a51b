import type { PeekpackError } from "../errors.js";
import type { Cursor, Item } from "../format/cursor.js";
import type { Header, Protocol } from "../format/header.js";
import { DamagedIndex, type NodeRecord } from "../format/page-index.js";
import type { PagedEntries, Span, TableNode } from "../format/table-view.js";
import type { Value } from "../values.js";

/** What reading pieces of a table needs of its archive. */
export interface TableCodec {
  readonly header: Header;
  /** Checks that `count` well-formed items fill a piece of the table. @throws PeekpackError `corrupt` */
  check(bytes: Uint8Array, count: number, offset: number): void;
  cursor(bytes: Uint8Array): Cursor;
  decodeKey(bytes: Uint8Array): Value;
}

/** A large node, as its record in the index describes it. */
export class LargeNode implements PagedEntries {
  readonly record: NodeRecord;
  readonly node: number;
  readonly verified: Promise<void> | undefined;
  /** The node's key, once the record has been compared with the table: undefined in a list, and for the root. */
  key: Promise<Value> | undefined;

  /** @param verified settles when the record, and the key that led to it, have been compared with the table */
  constructor(record: NodeRecord, verified?: Promise<void>) {
    this.record = record;
    this.node = record.node;
    this.verified = verified;
  }

  /** The span of the value. Undefined in the root of a combined archive, and in a list of blocks. */
  get span(): Span | undefined {
    const { spanStart, spanEnd } = this.record;
    return spanEnd === 0 ? undefined : { start: spanStart, end: spanEnd };
  }

  /** The node as lookups see it. */
  toNode(): TableNode {
    const { kind, items, count } = this.record;
    return kind === "blocked"
      ? { kind, length: items, blocks: this }
      : { kind, span: this.span, count, entries: this };
  }

  /**
   * Compares the record with the table's own bytes.
   * @param bytes from the key to the first entry
   * @returns the encoding of the key: empty in a list, and for the root
   * @throws PeekpackError `corrupt` if they differ
   */
  check(codec: TableCodec, bytes: Uint8Array): Uint8Array {
    const { record } = this;
    const { item, head } = headReader(codec, bytes);
    const at = record.node - record.key;
    const key = bytes.subarray(0, at);
    codec.check(key, at > 0 ? 1 : 0, record.key);
    if (record.kind === "blocked") {
      const name = head(head(at, "map"), "text");
      if (bytes[name] !== 0x70) throw this.#differs();
      head(name + 1, "array");
      if (item.value !== record.count) throw this.#differs();
      return key;
    }
    // A map of "p" and "t". An old writer put "t" first: then the parent's span bounds this one.
    let offset = head(at, "map");
    let span: Span | undefined;
    for (;;) {
      const name = head(offset, "text");
      if (item.value !== 1) throw this.#differs();
      if (bytes[name] === 0x74) {
        head(name + 1, record.kind === "map" ? "map" : "array");
        break;
      }
      if (bytes[name] !== 0x70) throw this.#differs();
      offset = head(head(name + 1, "array"), "uint");
      const start = item.value;
      offset = head(offset, "uint");
      span = { start, end: item.value };
    }
    const mine = this.span;
    if (item.value !== record.count || (span && (span.start !== mine?.start || span.end !== mine.end))) {
      throw this.#differs();
    }
    return key;
  }

  #differs(): PeekpackError {
    return new DamagedIndex("a node is not what the index says", this.record.node);
  }
}

/** Reads single heads of bytes that were not checked. */
export interface HeadReader {
  readonly item: Item;
  /** Reads a head into `item`, and gives the offset after it. @throws PeekpackError `corrupt` for any other kind */
  head(offset: number, kind: Item["kind"]): number;
}

/** Makes a {@link HeadReader}: for pieces that are no whole items, or whose number of items is not known. */
export function headReader(codec: TableCodec, bytes: Uint8Array): HeadReader {
  // Zeros follow, so that no head reads beyond the end.
  const padded = new Uint8Array(bytes.length + 16);
  padded.set(bytes);
  const cursor = codec.cursor(padded);
  const item: Item = { kind: "other", value: 0 };
  return {
    item,
    head(offset, kind) {
      if (offset < bytes.length && isPlainHead(padded[offset]!, codec.header.protocol)) {
        const after = cursor.head(offset, item);
        if (item.kind === kind && item.value >= 0 && after <= bytes.length) return after;
      }
      throw new DamagedIndex("a node is not what the index says", offset);
    },
  };
}

/** Whether a head needs no other bytes than its own: an unsigned integer, a text, an array or a map. */
function isPlainHead(type: number, protocol: Protocol): boolean {
  if (protocol === "cbor") {
    const major = type >> 5;
    return (major === 0 || (major >= 3 && major <= 5)) && (type & 31) < 28;
  }
  return type < 0xc0 || (type >= 0xcc && type <= 0xcf) || (type >= 0xd9 && type <= 0xdf);
}
