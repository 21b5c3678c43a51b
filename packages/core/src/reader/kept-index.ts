import { HEADER_SIZE, type Header } from "../format/header.js";

/** "peekpack": how a kept index begins. */
export const MARK: readonly number[] = [0x70, 0x65, 0x65, 0x6b, 0x70, 0x61, 0x63, 0x6b];
/** Version of the layout. */
export const VERSION = 2;
/** Bytes before the version of the object. */
export const FIXED_SIZE: number = MARK.length + 2 + 8 + 8 + 2;

/** What a kept index holds in place of the table. */
export type KeptTable = "table" | "page-index" | "sidecar";

/** Kinds of tables, by their number in the layout. */
export const TABLES: readonly KeptTable[] = ["table", "page-index", "sidecar"];

/** What is kept of an archive to open it again without a request. */
export interface KeptIndex {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  readonly holds: KeptTable;
  /** The table, or root block and footer of its page index. */
  readonly table: Uint8Array;
  /** Offset of the archive in its object. */
  readonly offset: number;
  /** Size of the object, if it was known. */
  readonly size: number | undefined;
  /** Version of the object, if it had one. */
  readonly version: string | undefined;
}

/**
 * Serializes an index: mark, layout version, kind of table, offset, size + 1 (0: unknown), length of the version + 1 (0:
 * none), version in UTF-8, header, table. All integers are big-endian.
 */
export function encodeIndex(index: Omit<KeptIndex, "header">): Uint8Array {
  const { offset, size = -1, version, headerBytes, table, holds } = index;
  const name = new TextEncoder().encode(version);
  const bytes = new Uint8Array(FIXED_SIZE + name.length + HEADER_SIZE + table.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MARK);
  let at = MARK.length;
  view.setUint8(at++, VERSION);
  view.setUint8(at++, TABLES.indexOf(holds));
  view.setBigUint64(at, BigInt(offset));
  view.setBigUint64(at + 8, BigInt(size + 1));
  view.setUint16(at + 16, version === undefined ? 0 : name.length + 1);
  bytes.set(name, FIXED_SIZE);
  bytes.set(headerBytes, FIXED_SIZE + name.length);
  bytes.set(table, FIXED_SIZE + name.length + HEADER_SIZE);
  return bytes;
}
