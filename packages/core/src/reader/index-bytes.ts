import { HEADER_SIZE } from "../format/header.js";
import type { KeptIndex } from "./kept-index.js";

/** "peekpack", and the version of this layout. */
export const MARK: readonly number[] = [0x70, 0x65, 0x65, 0x6b, 0x70, 0x61, 0x63, 0x6b, 0x01];
/** How many bytes stand before the version. */
export const FIXED: number = MARK.length + 8 + 8 + 2;

/** Serialises an index: mark, offset, size + 1 (0: unknown), version (length + 1 and UTF-8), header, table. */
export function encodeIndex(index: Omit<KeptIndex, "header">): Uint8Array {
  const version = index.version === undefined ? undefined : new TextEncoder().encode(index.version);
  const versionSize = version?.length ?? 0;
  const bytes = new Uint8Array(FIXED + versionSize + HEADER_SIZE + index.toc.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MARK);
  view.setBigUint64(MARK.length, BigInt(index.offset));
  view.setBigUint64(MARK.length + 8, index.size === undefined ? 0n : BigInt(index.size) + 1n);
  view.setUint16(MARK.length + 16, version === undefined ? 0 : versionSize + 1);
  if (version !== undefined) bytes.set(version, FIXED);
  bytes.set(index.headerBytes, FIXED + versionSize);
  bytes.set(index.toc, FIXED + versionSize + HEADER_SIZE);
  return bytes;
}
