import { crc32 } from "../crc32.js";
import {
  DIRECTORY_ENTRY_SIZE,
  type Footer,
  NODE_KINDS,
  NODE_RECORD_SIZE,
  type NodeRecord,
  PAGE_GROUP,
  PAGE_INDEX_VERSION,
  PAGE_RECORD_SIZE,
  type PageRecord,
  ROOT_HEAD_SIZE,
  type RootBlock,
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
  for (const { offset, hash, first, start: position, size, large, crc } of pages) {
    view.setUint32(at, offset, true);
    view.setUint32(at + 4, hash, true);
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
export function recordSize({ pages, inline }: WrittenRecord): number {
  const arrays = inline
    ? pages.length * PAGE_RECORD_SIZE
    : Math.ceil(pages.length / PAGE_GROUP) * PAGE_SAMPLE_SIZE;
  return NODE_RECORD_SIZE + arrays;
}

/** Writes the record of a large node. `pageRecords`: the encoded ones of the nodes that do not hold theirs. */
export function encodeNodeRecord(
  into: Writable,
  at: number,
  record: WrittenRecord,
  pageRecords: Uint8Array,
): void {
  const { pages, inline, pagesStart } = record;
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
  view.setUint32(at + 76, record.hash, true);
  view.setUint16(at + 80, record.level, true);
  view.setUint8(at + 82, NODE_KINDS.indexOf(record.kind));
  view.setUint32(at + 84, recordSize(record), true);
  view.setUint32(at + 88, record.headCrc, true);
  let sample = at + NODE_RECORD_SIZE;
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

/** Writes what comes before the records of a root block. */
export function encodeRootHead({ view }: Writable, root: Omit<RootBlock, "records">): void {
  const { directory, hashSamples, hashCount, hashStart, levels } = root;
  view.setUint32(0, directory.length, true);
  view.setUint32(4, hashCount, true);
  u64(view, 8, directory[0]?.start ?? 0);
  u64(view, 16, hashStart);
  view.setUint32(24, levels, true);
  let at = ROOT_HEAD_SIZE;
  for (const { hash, size, crc } of directory) {
    view.setUint32(at, hash, true);
    view.setUint32(at + 4, size, true);
    view.setUint32(at + 8, crc, true);
    at += DIRECTORY_ENTRY_SIZE;
  }
  for (const hash of hashSamples) {
    view.setUint32(at, hash, true);
    at += 4;
  }
}
