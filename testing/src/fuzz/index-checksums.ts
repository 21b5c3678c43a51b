import { crc32 } from "node:zlib";

/** Layout of version 1, as in docs/page-index.md. */
const FOOTER = 64;
const RECORD = 96;
const ROOT_HEAD = 32;
const DIRECTORY_ENTRY = 12;
const PAGE_RECORD = 32;
const PAGE_GROUP = 128;
const HASH_BLOCK_ENTRIES = 511;
const HASH_BLOCK = 4096;
const HASH_SAMPLE_BLOCKS = 64;

/** The parts of a page index that a mutation may aim at: offsets and lengths in bytes. */
export interface IndexParts {
  readonly rootStart: number;
  readonly rootSize: number;
  readonly hashStart: number;
  readonly hashCount: number;
  /** Node records in the root block. */
  readonly records: readonly IndexRecord[];
}

export interface IndexRecord {
  readonly at: number;
  /** Offsets of its page records. */
  readonly pages: readonly number[];
  /** Offset of its page samples. 0 if its page records are in the record. */
  readonly samples: number;
  readonly pagesStart: number;
}

/** Finds the parts of a page index. Bytes that make no sense are left out. */
export function indexParts(index: Uint8Array): IndexParts {
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  const none: IndexParts = { rootStart: 0, rootSize: 0, hashStart: 0, hashCount: 0, records: [] };
  if (index.length < FOOTER) return none;
  const footer = index.length - FOOTER;
  const rootStart = uint64(view, footer + 40);
  const rootSize = view.getUint32(footer + 48, true);
  if (rootSize < ROOT_HEAD || rootStart + rootSize > footer) return none;
  const records: IndexRecord[] = [];
  const end = rootStart + rootSize;
  const hashCount = view.getUint32(rootStart + 4, true);
  const samples = Math.ceil(hashCount / (HASH_BLOCK_ENTRIES * HASH_SAMPLE_BLOCKS));
  const arrays = view.getUint32(rootStart, true) * DIRECTORY_ENTRY + samples * 4;
  let at = rootStart + Math.ceil((ROOT_HEAD + arrays) / 8) * 8;
  while (at + RECORD <= end) {
    const length = view.getUint32(at + 84, true);
    if (length < RECORD || at + length > end) break;
    const pagesStart = uint64(view, at + 64);
    const pageCount = view.getUint32(at + 72, true);
    const arrays = at + RECORD;
    const inside = pagesStart === 0 && pageCount <= PAGE_GROUP;
    const first = inside ? arrays : pagesStart;
    const fits = first + pageCount * PAGE_RECORD <= footer;
    records.push({
      at,
      pages: fits ? Array.from({ length: pageCount }, (_, i) => first + i * PAGE_RECORD) : [],
      samples: inside ? 0 : arrays,
      pagesStart,
    });
    at += length;
  }
  return { rootStart, rootSize, hashStart: uint64(view, rootStart + 16), hashCount, records };
}

/**
 * Makes every checksum of an index right again, in place, so that a mutation is not found by its checksum.
 * @param table the table's bytes; the checksums of pages are computed from it
 */
export function repairChecksums(index: Uint8Array, table: Uint8Array): void {
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  const { rootStart, rootSize, hashStart, hashCount, records } = indexParts(index);
  const footer = index.length - FOOTER;
  const crc = (start: number, end: number): number => crc32(index.subarray(start, end));
  if (rootSize === 0) return;
  for (const { at, pages, samples } of records) {
    const key = uint64(view, at + 16);
    const entries = uint64(view, at + 24);
    if (key < entries && entries <= table.length) {
      view.setUint32(at + 88, crc32(table.subarray(key, entries)), true);
    }
    for (const page of pages) {
      const offset = view.getUint32(page, true);
      const size = view.getUint32(page + 24, true) & 0x7fffffff;
      if (offset + size <= table.length) {
        view.setUint32(page + 28, crc32(table.subarray(offset, offset + size)), true);
      }
    }
    for (let i = 0; samples > 0 && i < pages.length; i += PAGE_GROUP) {
      const sample = samples + (i / PAGE_GROUP) * 24;
      const end = pages[Math.min(i + PAGE_GROUP, pages.length) - 1]! + PAGE_RECORD;
      if (sample + 24 <= footer) view.setUint32(sample + 16, crc(pages[i]!, end), true);
    }
  }
  for (let i = 0, start = hashStart; i < hashCount; i += HASH_BLOCK_ENTRIES, start += HASH_BLOCK) {
    const end = start + Math.min(HASH_BLOCK_ENTRIES, hashCount - i) * 8;
    if (end + 8 > footer) break;
    view.setUint32(end + 4, crc32(index.subarray(start, end), table.length), true);
  }
  const directory = rootStart + ROOT_HEAD;
  const directoryEnd = directory + view.getUint32(rootStart, true) * DIRECTORY_ENTRY;
  for (let at = directory, start = uint64(view, rootStart + 8); at < directoryEnd; at += DIRECTORY_ENTRY) {
    if (at + DIRECTORY_ENTRY > rootStart + rootSize) break;
    const end = start + view.getUint32(at + 4, true);
    if (end > footer) break;
    view.setUint32(at + 8, crc(start, end), true);
    start = end;
  }
  view.setUint32(footer + 12, crc(rootStart, rootStart + rootSize), true);
  view.setUint32(footer + 60, crc(footer, footer + 60), true);
}

function uint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
