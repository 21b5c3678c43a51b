import { HEADER_SIZE } from "../format/sound-header.js";
import type { KeptIndex } from "./kept-index.js";

/** "peekpack", and the version of this layout. */
export const MARK: readonly number[] = [0x70, 0x65, 0x65, 0x6b, 0x70, 0x61, 0x63, 0x6b, 0x01];
/** How many bytes stand before the version. */
export const FIXED: number = MARK.length + 8 + 8 + 2;

/** Serialises an index: mark, offset, size + 1 (0: unknown), version (length + 1 and UTF-8), header, table. */
export function encodeIndex({
  offset,
  size = -1,
  version,
  headerBytes,
  toc,
}: Omit<KeptIndex, "header">): Uint8Array {
  const name = new TextEncoder().encode(version);
  const bytes = new Uint8Array(FIXED + name.length + HEADER_SIZE + toc.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MARK);
  view.setBigUint64(MARK.length, BigInt(offset));
  view.setBigUint64(MARK.length + 8, BigInt(size + 1));
  view.setUint16(MARK.length + 16, version === undefined ? 0 : name.length + 1);
  bytes.set(name, FIXED);
  bytes.set(headerBytes, FIXED + name.length);
  bytes.set(toc, FIXED + name.length + HEADER_SIZE);
  return bytes;
}
