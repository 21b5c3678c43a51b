import { crc32 } from "../crc32.js";
import {
  DIRECTORY_ENTRY_SIZE,
  type DirectoryEntry,
  type Footer,
  NODE_KINDS,
  NODE_RECORD_SIZE,
  type NodeRecord,
  PAGE_GROUP,
  PAGE_INDEX_VERSION,
  PAGE_RECORD_SIZE,
  type PageRecord,
} from "./page-index.js";
import { FOOTER_MAGIC, FOOTER_SIZE } from "./page-index-footer.js";

/** Length of a page sample in bytes. */
const PAGE_SAMPLE_SIZE = 24;

/** Bytes to be written. Structures share a buffer: one for each would make an engine collect garbage often. */
export interface Writable {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function writable(size: number): Writable {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer) };
}

function u64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** Writes a footer. */
export function encodeFooter({ bytes, view }: Writable, at: number, footer: Footer): void {
  bytes.set(FOOTER_MAGIC, at);
  view.setUint16(at + 8, PAGE_INDEX_VERSION, true);
  view.setUint32(at + 12, footer.rootCrc, true);
  u64(view, at + 16, footer.tocStart);
  u64(view, at + 24, footer.tocSize);
  u64(view, at + 32, footer.indexSize);
  u64(view, at + 40, footer.rootStart);
  view.setUint32(at + 48, footer.rootSize, true);
  view.setUint32(at + FOOTER_SIZE - 4, crc32(bytes.subarray(at, at + FOOTER_SIZE - 4)), true);
}

/** Writes page records. Returns the offset after them. */
export function encodePageRecords({ view }: Writable, start: number, pages: readonly PageRecord[]): number {
  let at = start;
  for (const { offset, first, start: position, size, large, crc } of pages) {
    u64(view, at, offset);
    u64(view, at + 8, first);
    u64(view, at + 16, position);
    view.setUint32(at + 24, large ? size + 0x80000000 : size, true);
    view.setUint32(at + 28, crc, true);
    at += PAGE_RECORD_SIZE;
  }
  return at;
}

/** A node record that is to be written. Its page samples are computed. */
export interface WrittenRecord extends Omit<NodeRecord, "pageSamples" | "pages"> {
  readonly pages: readonly PageRecord[];
  /** Whether the record holds its page records. */
  readonly inline: boolean;
}

/** Length of a node record in bytes. */
export function recordSize({ hashSamples, pages, inline }: WrittenRecord): number {
  const samples = Math.ceil(hashSamples.length / 2) * 8;
  const rest = inline
    ? pages.length * PAGE_RECORD_SIZE
    : Math.ceil(pages.length / PAGE_GROUP) * PAGE_SAMPLE_SIZE;
  return NODE_RECORD_SIZE + samples + rest;
}

/** Writes the record of a large node. `pageRecords`: the encoded ones of the nodes that do not hold theirs. */
export function encodeNodeRecord(
  into: Writable,
  at: number,
  record: WrittenRecord,
  pageRecords: Uint8Array,
): void {
  const { hashSamples, pages, inline, pagesStart } = record;
  const { view } = into;
  u64(view, at, record.node);
  u64(view, at + 8, record.end);
  u64(view, at + 16, record.key);
  u64(view, at + 24, record.first);
  u64(view, at + 32, record.count);
  u64(view, at + 40, record.spanStart);
  u64(view, at + 48, record.spanEnd);
  u64(view, at + 56, record.items);
  u64(view, at + 64, pagesStart);
  view.setUint32(at + 72, record.pageCount, true);
  view.setUint32(at + 76, record.hashCount, true);
  u64(view, at + 80, record.hashStart);
  view.setUint32(at + 88, record.keyHash, true);
  view.setUint16(at + 92, record.level, true);
  view.setUint8(at + 94, NODE_KINDS.indexOf(record.kind));
  view.setUint32(at + 96, recordSize(record), true);
  view.setUint32(at + 100, record.headCrc, true);
  hashSamples.forEach((hash, i) => {
    view.setUint32(at + NODE_RECORD_SIZE + i * 4, hash, true);
  });
  let sample = at + NODE_RECORD_SIZE + Math.ceil(hashSamples.length / 2) * 8;
  if (inline) {
    encodePageRecords(into, sample, pages);
    return;
  }
  for (let i = 0; i < pages.length; i += PAGE_GROUP, sample += PAGE_SAMPLE_SIZE) {
    const start = pagesStart + i * PAGE_RECORD_SIZE;
    const end = pagesStart + Math.min(i + PAGE_GROUP, pages.length) * PAGE_RECORD_SIZE;
    u64(view, sample, pages[i]!.first);
    u64(view, sample + 8, pages[i]!.offset);
    view.setUint32(sample + 16, crc32(pageRecords.subarray(start, end)), true);
  }
}

/** Writes what comes before the records of a root block. Returns the offset after it. */
export function encodeDirectory({ view }: Writable, directory: readonly DirectoryEntry[]): number {
  view.setUint32(0, directory.length, true);
  let at = 8;
  for (const { start, size, crc, node, level } of directory) {
    u64(view, at, start);
    view.setUint32(at + 8, size, true);
    view.setUint32(at + 12, crc, true);
    u64(view, at + 16, node);
    view.setUint32(at + 24, level, true);
    at += DIRECTORY_ENTRY_SIZE;
  }
  return at;
}
