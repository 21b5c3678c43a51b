import type { Item } from "../format/cursor.js";
import type { ArchiveReader } from "../reader/archive-reader.js";

/** How a map or a list begins. */
export interface ContainerHead {
  readonly kind: "map" | "list";
  /** Entries or items. −1 if the length is indefinite. */
  readonly count: number;
  /** Bytes that the head takes: at most 9. */
  readonly length: number;
}

/** The head at the start of bytes that were not checked. Undefined if no map or list begins there. */
export function containerHead(archive: ArchiveReader, bytes: Uint8Array): ContainerHead | undefined {
  const type = bytes[0] ?? 0;
  const isContainer =
    archive.header.protocol === "cbor"
      ? (type >> 5 === 4 || type >> 5 === 5) && ((type & 31) < 28 || (type & 31) === 31)
      : (type >= 0x80 && type < 0xa0) || (type >= 0xdc && type <= 0xdf);
  if (!isContainer) return undefined;
  // A cursor relies on the bytes being there.
  const padded = new Uint8Array(9);
  padded.set(bytes.subarray(0, padded.length));
  const item: Item = { kind: "other", value: 0 };
  const length = archive.cursor(padded).head(0, item);
  return { kind: item.kind === "map" ? "map" : "list", count: item.value, length };
}
