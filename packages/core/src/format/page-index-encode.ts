import { crc32 } from "../crc32.js";
import {
  DIRECTORY_ENTRY_SIZE,
  type DirectoryEntry,
  FOOTER_MAGIC,
  FOOTER_SIZE,
  type Footer,
  NODE_KINDS,
  NODE_RECORD_SIZE,
  type NodeRecord,
  PAGE_INDEX_VERSION,
  PAGE_RECORD_SIZE,
  type PageRecord,
} from "./page-index.js";

/** Length of a page sample in bytes. */
const PAGE_SAMPLE_SIZE = 24;

function writable(size: number): { readonly bytes: Uint8Array; readonly view: DataView } {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer) };
}

function u64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** Writes a footer. */
export function encodeFooter(footer: Footer): Uint8Array {
  const { bytes, view } = writable(FOOTER_SIZE);
  bytes.set(FOOTER_MAGIC);
  view.setUint16(8, PAGE_INDEX_VERSION, true);
  view.setUint32(12, footer.rootCrc, true);
  u64(view, 16, footer.tocStart);
  u64(view, 24, footer.tocSize);
  u64(view, 32, footer.indexSize);
  u64(view, 40, footer.rootStart);
  view.setUint32(48, footer.rootSize, true);
  view.setUint32(60, crc32(bytes.subarray(0, 60)), true);
  return bytes;
}

/** Writes page records. */
export function encodePageRecords(pages: readonly PageRecord[]): Uint8Array {
  const { bytes, view } = writable(pages.length * PAGE_RECORD_SIZE);
  for (const [i, { offset, first, start, size, large, crc }] of pages.entries()) {
    const at = i * PAGE_RECORD_SIZE;
    u64(view, at, offset);
    u64(view, at + 8, first);
    u64(view, at + 16, start);
    view.setUint32(at + 24, large ? size + 0x80000000 : size, true);
    view.setUint32(at + 28, crc, true);
  }
  return bytes;
}

/** Writes the record of a large node. */
export function encodeNodeRecord(record: NodeRecord): Uint8Array {
  const { hashSamples, pages = [], pageSamples } = record;
  const pagesAt = NODE_RECORD_SIZE + Math.ceil(hashSamples.length / 2) * 8;
  const pagesSize = pages.length * PAGE_RECORD_SIZE + pageSamples.length * PAGE_SAMPLE_SIZE;
  const { bytes, view } = writable(pagesAt + pagesSize);
  u64(view, 0, record.node);
  u64(view, 8, record.end);
  u64(view, 16, record.key);
  u64(view, 24, record.first);
  u64(view, 32, record.count);
  u64(view, 40, record.spanStart);
  u64(view, 48, record.spanEnd);
  u64(view, 56, record.items);
  u64(view, 64, record.pagesStart);
  view.setUint32(72, record.pageCount, true);
  view.setUint32(76, record.hashCount, true);
  u64(view, 80, record.hashStart);
  view.setUint32(88, record.keyHash, true);
  view.setUint16(92, record.level, true);
  view.setUint8(94, NODE_KINDS.indexOf(record.kind));
  view.setUint32(96, bytes.length, true);
  view.setUint32(100, record.headCrc, true);
  hashSamples.forEach((hash, i) => {
    view.setUint32(NODE_RECORD_SIZE + i * 4, hash, true);
  });
  bytes.set(encodePageRecords(pages), pagesAt);
  for (const [i, { first, offset, crc }] of pageSamples.entries()) {
    const at = pagesAt + i * PAGE_SAMPLE_SIZE;
    u64(view, at, first);
    u64(view, at + 8, offset);
    view.setUint32(at + 16, crc, true);
  }
  return bytes;
}

/** Writes a root block. `records`: the encoded records, one after the other. */
export function encodeRootBlock(directory: readonly DirectoryEntry[], records: Uint8Array): Uint8Array {
  const recordsAt = 8 + directory.length * DIRECTORY_ENTRY_SIZE;
  const { bytes, view } = writable(recordsAt + records.length);
  view.setUint32(0, directory.length, true);
  for (const [i, { start, size, crc, node, level }] of directory.entries()) {
    const at = 8 + i * DIRECTORY_ENTRY_SIZE;
    u64(view, at, start);
    view.setUint32(at + 8, size, true);
    view.setUint32(at + 12, crc, true);
    u64(view, at + 16, node);
    view.setUint32(at + 24, level, true);
  }
  bytes.set(records, recordsAt);
  return bytes;
}
