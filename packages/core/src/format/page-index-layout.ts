import { crc32 } from "../crc32.js";
import {
  type DirectoryEntry,
  hashBlocksSize,
  type NodeRecord,
  PAGE_GROUP,
  PAGE_RECORD_SIZE,
  type PageRecord,
  RECORD_BLOCK_BYTES,
  ROOT_BYTES,
  rootHeadSize,
} from "./page-index.js";
import {
  encodeFooter,
  encodeNodeRecord,
  encodePageRecords,
  encodeRootHead,
  recordSize,
  type Writable,
  type WrittenRecord,
  writable,
} from "./page-index-encode.js";
import { FOOTER_SIZE } from "./page-index-footer.js";
import type { HashBlocks, HashTotals, SpilledBlocks } from "./page-index-hash-blocks.js";
import type { HashSpill } from "./page-index-hash-runs.js";

/** Hash blocks that are handed over at a time, in bytes. */
const CHUNK = 1024 * 1024;
/** What a record block exceeds, except the last one: two of the longest records that share one do not fit it. */
const MIN_RECORD_BLOCK = 4000;

/** A large node whose pages are known. Offsets are table offsets. */
export interface IndexedNode extends Omit<NodeRecord, "pagesStart" | "pageCount" | "pageSamples" | "pages"> {
  readonly pages: readonly PageRecord[];
}

/** Where a table starts, a position, and its length in bytes. */
export interface TocPlace {
  readonly tocStart: number;
  readonly tocSize: number;
}

/** What a page index holds. */
export interface PageIndexTotals {
  /** Large nodes. */
  readonly nodes: number;
  readonly pages: number;
  readonly hashEntries: number;
  readonly tableBytes: number;
  readonly indexBytes: number;
}

/** A page index to be written. */
export interface PageIndex {
  readonly info: PageIndexTotals;
  /** The bytes of the index, in order. */
  chunks(): Iterable<Uint8Array>;
}

/** A page index of which the hash blocks are missing. */
interface Layout {
  readonly info: PageIndexTotals;
  /** What comes before and after the hash blocks. */
  readonly before: Uint8Array;
  readonly after: readonly Uint8Array[];
}

/** Lays out a page index whose hash blocks are in memory. */
export function pageIndex(nodes: readonly IndexedNode[], hashes: HashBlocks, toc: TocPlace): PageIndex {
  const { info, before, after } = layOut(nodes, hashes, toc);
  return {
    info,
    *chunks() {
      yield before;
      for (let at = 0; at < hashes.bytes.length; at += CHUNK) yield hashes.bytes.subarray(at, at + CHUNK);
      yield* after;
    },
  };
}

/** The bytes of a page index whose hash blocks are in a spill, in order. */
export async function* spilledChunks(
  nodes: readonly IndexedNode[],
  hashes: SpilledBlocks,
  toc: TocPlace,
  spill: HashSpill,
): AsyncGenerator<Uint8Array> {
  const { before, after } = layOut(nodes, hashes, toc);
  yield before;
  const end = hashes.at + hashBlocksSize(hashes.count);
  for (let at = hashes.at; at < end; at += CHUNK) yield spill.read(at, Math.min(at + CHUNK, end));
  yield* after;
}

/** Lays out the index of a table: page records, hash blocks, record blocks, root block, footer. */
function layOut(nodes: readonly IndexedNode[], hashes: HashTotals, { tocStart, tocSize }: TocPlace): Layout {
  const sorted = [...nodes].sort((a, b) => a.level - b.level || a.node - b.node);
  const outside = sorted.filter(({ pages }) => pages.length > PAGE_GROUP);
  const pageCount = outside.reduce((sum, { pages }) => sum + pages.length, 0);
  const pageRecords = writable(pageCount * PAGE_RECORD_SIZE);
  let pagesStart = 0;
  const records = sorted.map((node): WrittenRecord => {
    const { pages } = node;
    const inline = pages.length <= PAGE_GROUP;
    const record = { ...node, inline, pageCount: pages.length, pagesStart: inline ? 0 : pagesStart };
    if (!inline) pagesStart = encodePageRecords(pageRecords, pagesStart, pages);
    return record;
  });
  const hashStart = hashes.count === 0 ? 0 : pageRecords.bytes.length;
  const blocksStart = pageRecords.bytes.length + hashBlocksSize(hashes.count);
  const { inRoot, rest } = divided(records, hashes.samples.length);
  const { blocks, directory } = encodeBlocks(rest, pageRecords.bytes, blocksStart);
  const rootStart = blocksStart + blocks.length;
  const headSize = rootHeadSize(directory.length, hashes.samples.length);
  const rootSize = headSize + byteLength(inRoot);
  const end = writable(rootSize + FOOTER_SIZE);
  const levels = sorted.at(-1)!.level;
  const { count: hashCount, samples: hashSamples } = hashes;
  encodeRootHead(end, { directory, levels, hashCount, hashStart, hashSamples });
  encodeRecords(end, headSize, inRoot, pageRecords.bytes);
  const rootCrc = crc32(end.bytes.subarray(0, rootSize));
  const indexSize = rootStart + rootSize + FOOTER_SIZE;
  encodeFooter(end, rootSize, { rootCrc, tocStart, tocSize, indexSize, rootStart, rootSize });
  return {
    info: {
      nodes: nodes.length,
      pages: nodes.reduce((sum, { pages }) => sum + pages.length, 0),
      hashEntries: hashes.count,
      tableBytes: tocSize,
      indexBytes: indexSize,
    },
    before: pageRecords.bytes,
    after: [blocks, end.bytes],
  };
}

function byteLength(records: readonly WrittenRecord[]): number {
  return records.reduce((sum, record) => sum + recordSize(record), 0);
}

/**
 * Chooses the records of the root block: as many as fit. Nodes of many pages are first, because the records of the others
 * hold their page records.
 */
function divided(
  records: readonly WrittenRecord[],
  samples: number,
): { readonly inRoot: readonly WrittenRecord[]; readonly rest: readonly WrittenRecord[] } {
  const blocks = Math.ceil(byteLength(records) / MIN_RECORD_BLOCK);
  let room = ROOT_BYTES - FOOTER_SIZE - rootHeadSize(blocks, samples);
  const [root, ...others] = records;
  const ordered = [
    root!,
    ...others.filter(({ inline }) => !inline),
    ...others.filter(({ inline }) => inline),
  ];
  let count = 0;
  while (count < ordered.length) {
    room -= recordSize(ordered[count]!);
    if (count > 0 && room < 0) break;
    count++;
  }
  return { inRoot: ordered.slice(0, count), rest: ordered.slice(count) };
}

/** Encodes the records of record blocks, the first of which starts at an index offset. */
function encodeBlocks(
  records: readonly WrittenRecord[],
  pageRecords: Uint8Array,
  start: number,
): { readonly blocks: Uint8Array; readonly directory: readonly DirectoryEntry[] } {
  const sorted = [...records].sort((a, b) => a.hash - b.hash || a.node - b.node);
  const all = writable(byteLength(sorted));
  encodeRecords(all, 0, sorted, pageRecords);
  const directory: DirectoryEntry[] = [];
  for (let next = 0, offset = 0; next < sorted.length; ) {
    const { hash } = sorted[next]!;
    let size = 0;
    let last = hash;
    while (next < sorted.length) {
      const record = sorted[next]!;
      const after = size + recordSize(record);
      // Records of the same hash stay together.
      if (size > 0 && after > RECORD_BLOCK_BYTES && record.hash !== last) break;
      last = record.hash;
      size = after;
      next++;
    }
    const crc = crc32(all.bytes.subarray(offset, offset + size));
    directory.push({ hash, start: start + offset, size, crc });
    offset += size;
  }
  return { blocks: all.bytes, directory };
}

function encodeRecords(
  into: Writable,
  start: number,
  records: readonly WrittenRecord[],
  pageRecords: Uint8Array,
): void {
  let at = start;
  for (const record of records) {
    encodeNodeRecord(into, at, record, pageRecords);
    at += recordSize(record);
  }
}
