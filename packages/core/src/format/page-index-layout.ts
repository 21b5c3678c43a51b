import { concat } from "../bytes.js";
import { crc32 } from "../crc32.js";
import {
  type DirectoryEntry,
  FOOTER_SIZE,
  INLINE_PAGES,
  type NodeRecord,
  PAGE_GROUP,
  PAGE_RECORD_SIZE,
  type PageRecord,
  type PageSample,
  RECORD_BLOCK_BYTES,
  ROOT_RECORD_BYTES,
} from "./page-index.js";
import { encodeFooter, encodeNodeRecord, encodePageRecords, encodeRootBlock } from "./page-index-encode.js";
import type { SortedHashes } from "./page-index-hashes.js";

/** A large node whose pages are known. Offsets are table offsets. */
export interface IndexedNode
  extends Omit<
    NodeRecord,
    "pagesStart" | "pageCount" | "hashCount" | "hashStart" | "hashSamples" | "pageSamples" | "pages"
  > {
  readonly pages: readonly PageRecord[];
  /** In a map of more than one page. */
  readonly hashes: SortedHashes | undefined;
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

/** Lays out the index of a table: page records, hash blocks, record blocks, root block, footer. */
export function layOut(nodes: readonly IndexedNode[], tocStart: number, tocSize: number): PageIndex {
  const sorted = [...nodes].sort((a, b) => a.level - b.level || a.node - b.node);
  let offset = 0;
  const pagesStarts = sorted.map(({ pages }) => {
    const start = offset;
    if (pages.length > INLINE_PAGES) offset += pages.length * PAGE_RECORD_SIZE;
    return start;
  });
  const records = sorted.map((node, i) => {
    const hashStart = offset;
    offset += node.hashes?.byteLength ?? 0;
    return encodeNodeRecord(recordOf(node, pagesStarts[i]!, hashStart));
  });
  const { blocks, directory, inRoot } = cut(records, sorted, offset);
  const rootStart = offset + blocks.reduce((sum, block) => sum + block.length, 0);
  const root = encodeRootBlock(directory, inRoot);
  const indexSize = rootStart + root.length + FOOTER_SIZE;
  const footer = { rootCrc: crc32(root), tocStart, tocSize, indexSize, rootStart, rootSize: root.length };
  return {
    info: {
      nodes: nodes.length,
      pages: nodes.reduce((sum, { pages }) => sum + pages.length, 0),
      hashEntries: nodes.reduce((sum, { hashes }) => sum + (hashes?.count ?? 0), 0),
      tableBytes: tocSize,
      indexBytes: indexSize,
    },
    *chunks() {
      for (const { pages } of sorted) if (pages.length > INLINE_PAGES) yield encodePageRecords(pages);
      for (const { hashes } of sorted) if (hashes !== undefined) yield* hashes.blocks();
      yield* blocks;
      yield root;
      yield encodeFooter(footer);
    },
  };
}

function recordOf(node: IndexedNode, pagesStart: number, hashStart: number): NodeRecord {
  const { pages, hashes } = node;
  const inline = pages.length <= INLINE_PAGES;
  return {
    ...node,
    pageCount: pages.length,
    pagesStart: inline ? 0 : pagesStart,
    pages: inline ? pages : undefined,
    pageSamples: inline ? [] : pageSamples(pages),
    hashCount: hashes?.count ?? 0,
    hashStart: hashes === undefined ? 0 : hashStart,
    hashSamples: hashes?.samples() ?? new Uint32Array(0),
  };
}

function pageSamples(pages: readonly PageRecord[]): PageSample[] {
  const samples: PageSample[] = [];
  for (let i = 0; i < pages.length; i += PAGE_GROUP) {
    const { first, offset } = pages[i]!;
    samples.push({ first, offset, crc: crc32(encodePageRecords(pages.slice(i, i + PAGE_GROUP))) });
  }
  return samples;
}

interface RecordBlocks {
  readonly inRoot: Uint8Array;
  readonly blocks: readonly Uint8Array[];
  readonly directory: readonly DirectoryEntry[];
}

/** Cuts records into those of the root block and record blocks, the first of which starts at an index offset. */
function cut(records: readonly Uint8Array[], nodes: readonly IndexedNode[], start: number): RecordBlocks {
  let next = 0;
  /** As many records as fit, and one in any case. */
  const take = (limit: number): Uint8Array => {
    const first = next;
    let size = records[next++]!.length;
    while (next < records.length && size + records[next]!.length <= limit) size += records[next++]!.length;
    return concat(records.slice(first, next));
  };
  const inRoot = take(ROOT_RECORD_BYTES);
  const blocks: Uint8Array[] = [];
  const directory: DirectoryEntry[] = [];
  let offset = start;
  while (next < records.length) {
    const { node, level } = nodes[next]!;
    const block = take(RECORD_BLOCK_BYTES);
    blocks.push(block);
    directory.push({ start: offset, size: block.length, crc: crc32(block), node, level });
    offset += block.length;
  }
  return { inRoot, blocks, directory };
}
