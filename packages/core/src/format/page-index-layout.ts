import { concat } from "../bytes.js";
import { crc32 } from "../crc32.js";
import {
  DIRECTORY_ENTRY_SIZE,
  type DirectoryEntry,
  INLINE_PAGES,
  type NodeRecord,
  PAGE_RECORD_SIZE,
  type PageRecord,
  RECORD_BLOCK_BYTES,
  ROOT_RECORD_BYTES,
} from "./page-index.js";
import {
  encodeDirectory,
  encodeFooter,
  encodeNodeRecord,
  encodePageRecords,
  recordSize,
  type WrittenRecord,
  writable,
} from "./page-index-encode.js";
import { FOOTER_SIZE } from "./page-index-footer.js";
import { type HashBlocks, hashBlocksSize } from "./page-index-hash-blocks.js";
import type { HashSpill } from "./page-index-hash-runs.js";

/** Hash blocks that are handed over at a time, in bytes. */
const CHUNK = 1024 * 1024;
const NO_SAMPLES = new Uint32Array(0);

/** A large node whose pages are known. Offsets are table offsets. */
export interface IndexedNode
  extends Omit<
    NodeRecord,
    "pagesStart" | "pageCount" | "hashCount" | "hashStart" | "hashSamples" | "pageSamples" | "pages"
  > {
  readonly pages: readonly PageRecord[];
  /** In a map of more than one page. */
  hashes: HashBlocks | undefined;
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
  /** The bytes of the index, in order. No hash blocks may be spilled. */
  chunks(): Iterable<Uint8Array>;
  /** The bytes of the index, in order. All hash blocks are read from a spill. */
  spilledChunks(spill: HashSpill): AsyncIterable<Uint8Array>;
}

/** Lays out the index of a table: page records, hash blocks, record blocks, root block, footer. */
export function layOut(nodes: readonly IndexedNode[], tocStart: number, tocSize: number): PageIndex {
  const sorted = [...nodes].sort((a, b) => a.level - b.level || a.node - b.node);
  const outside = sorted.filter(({ pages }) => pages.length > INLINE_PAGES);
  const pageCount = outside.reduce((sum, { pages }) => sum + pages.length, 0);
  const pageRecords = writable(pageCount * PAGE_RECORD_SIZE);
  let pagesStart = 0;
  let hashStart = pageRecords.bytes.length;
  const records = sorted.map((node): WrittenRecord => {
    const { pages, hashes } = node;
    const inline = pages.length <= INLINE_PAGES;
    const record = {
      ...node,
      inline,
      pageCount: pages.length,
      pagesStart: inline ? 0 : pagesStart,
      hashCount: hashes?.count ?? 0,
      hashStart: hashes === undefined ? 0 : hashStart,
      hashSamples: hashes?.samples ?? NO_SAMPLES,
    };
    if (!inline) pagesStart = encodePageRecords(pageRecords, pagesStart, pages);
    hashStart += hashBlocksSize(hashes?.count ?? 0);
    return record;
  });
  const { inRoot, blocks, directory } = encodeRecords(records, pageRecords.bytes, hashStart);
  const rootStart = hashStart + blocks.length;
  const rootSize = 8 + directory.length * DIRECTORY_ENTRY_SIZE + inRoot.length;
  const end = writable(rootSize + FOOTER_SIZE);
  end.bytes.set(inRoot, encodeDirectory(end, directory));
  const rootCrc = crc32(end.bytes.subarray(0, rootSize));
  const indexSize = rootStart + rootSize + FOOTER_SIZE;
  encodeFooter(end, rootSize, { rootCrc, tocStart, tocSize, indexSize, rootStart, rootSize });
  return {
    info: {
      nodes: nodes.length,
      pages: nodes.reduce((sum, { pages }) => sum + pages.length, 0),
      hashEntries: nodes.reduce((sum, { hashes }) => sum + (hashes?.count ?? 0), 0),
      tableBytes: tocSize,
      indexBytes: indexSize,
    },
    *chunks() {
      yield pageRecords.bytes;
      yield* hashBlocks(sorted);
      yield blocks;
      yield end.bytes;
    },
    async *spilledChunks(spill) {
      yield pageRecords.bytes;
      yield* spilledBlocks(sorted, spill);
      yield blocks;
      yield end.bytes;
    },
  };
}

/** The hash blocks of all nodes. Those of small maps are joined. */
function* hashBlocks(nodes: readonly IndexedNode[]): Generator<Uint8Array> {
  let joined: Uint8Array[] = [];
  let size = 0;
  for (const { hashes } of nodes) {
    if (hashes === undefined) continue;
    if (size + hashes.bytes!.length > CHUNK && size > 0) {
      yield concat(joined);
      joined = [];
      size = 0;
    }
    joined.push(hashes.bytes!);
    size += hashes.bytes!.length;
  }
  yield concat(joined);
}

/** The hash blocks of all nodes, from a spill. Those that follow one another are read together. */
async function* spilledBlocks(nodes: readonly IndexedNode[], spill: HashSpill): AsyncGenerator<Uint8Array> {
  const ranges: { at: number; end: number }[] = [];
  for (const { hashes } of nodes) {
    if (hashes === undefined) continue;
    const { at, count } = hashes;
    const end = at + hashBlocksSize(count);
    const last = ranges.at(-1);
    if (last?.end === at) last.end = end;
    else ranges.push({ at, end });
  }
  for (const { at, end } of ranges) {
    for (let from = at; from < end; from += CHUNK) yield spill.read(from, Math.min(from + CHUNK, end));
  }
}

interface RecordBlocks {
  /** The records of the root block. */
  readonly inRoot: Uint8Array;
  /** The record blocks, one after the other. */
  readonly blocks: Uint8Array;
  readonly directory: readonly DirectoryEntry[];
}

/** Encodes records, and cuts them into those of the root block and record blocks, the first of which starts at an index offset. */
function encodeRecords(
  records: readonly WrittenRecord[],
  pageRecords: Uint8Array,
  start: number,
): RecordBlocks {
  const sizes = records.map(recordSize);
  const all = writable(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const [i, record] of records.entries()) {
    encodeNodeRecord(all, at, record, pageRecords);
    at += sizes[i]!;
  }
  let next = 0;
  /** The length of as many records as fit, and of one in any case. */
  const take = (limit: number): number => {
    let size = sizes[next++]!;
    while (next < sizes.length && size + sizes[next]! <= limit) size += sizes[next++]!;
    return size;
  };
  const rootSize = take(ROOT_RECORD_BYTES);
  const blocks = all.bytes.subarray(rootSize);
  const directory: DirectoryEntry[] = [];
  for (let offset = 0; next < records.length; ) {
    const { node, level } = records[next]!;
    const size = take(RECORD_BLOCK_BYTES);
    const crc = crc32(blocks.subarray(offset, offset + size));
    directory.push({ start: start + offset, size, crc, node, level });
    offset += size;
  }
  return { inRoot: all.bytes.subarray(0, rootSize), blocks, directory };
}
