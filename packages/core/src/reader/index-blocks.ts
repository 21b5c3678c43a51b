import { PeekpackError } from "../errors.js";
import {
  checkBlock,
  DamagedIndex,
  decodeHashBlock,
  decodePageRecords,
  decodeRecordBlock,
  type Footer,
  HASH_BLOCK_ENTRIES,
  HASH_BLOCK_SIZE,
  HASH_SAMPLE_BLOCKS,
  type HashEntry,
  type NodeRecord,
  PAGE_GROUP,
  PAGE_RECORD_SIZE,
  type PageRecord,
  type RootBlock,
} from "../format/page-index.js";
import type { Span } from "../format/table-view.js";
import type { ByteLru } from "../lru.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import { LargeNode } from "./large-node.js";
import type { PageIndexInfo } from "./page-index-info.js";

/**
 * Hash entries that are read before and after the estimated position of a hash: two blocks at most. The standard deviation
 * between two samples is at most 90 entries, so that about one lookup in ten thousand reads twice.
 */
const HASH_MARGIN = 255;
/** Hash entries from one sample to the next. */
const SAMPLE_ENTRIES = HASH_BLOCK_ENTRIES * HASH_SAMPLE_BLOCKS;
/** A lookup that leads to more pages is refused: only an index made for it has so many keys with one hash. */
const MAX_CANDIDATES = 64;

/** Work that several lookups wait for. */
export interface SharedReading<T = unknown> {
  readonly table: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** Where a page index is, and what its root block says. */
export interface IndexLocation {
  /** What it is read from: the archive's own source, or a sidecar. */
  readonly source: RangeSource;
  /** Offset of the index in its source. */
  readonly start: number;
  /** Root block and footer. */
  readonly bytes: Uint8Array;
  readonly footer: Footer;
  readonly root: RootBlock;
  /** What is known of it. It changes if the index turns out to be damaged. */
  readonly info: PageIndexInfo;
  /** The whole table, while it is being read because the index is damaged. */
  reading?: SharedReading | undefined;
}

/** A page record, and where what follows the page begins. */
export interface PageSpan extends PageRecord {
  /** Number of the first item after the page. */
  readonly next: number;
  /** Position where the data of the page's entries end. */
  readonly dataEnd: number;
}

/** Reads blocks of a page index: hash entries, page records and node records. Those used last are kept. */
export class IndexBlocks {
  readonly #index: IndexLocation;
  readonly #pages: PieceMemory;
  /** The large nodes of the root block. */
  readonly known: readonly LargeNode[];

  constructor(index: IndexLocation, pages: PieceMemory) {
    this.#index = index;
    this.#pages = pages;
    this.known = index.root.records.map((record) => new LargeNode(record));
  }

  /**
   * Table offsets of the pages of a map that hold keys whose path has a hash.
   * @throws PeekpackError `corrupt`; `limit` for too many pages
   */
  async pagesWithHash(
    { first: start, end }: NodeRecord,
    hash: number,
    options?: ReadOptions,
  ): Promise<number[]> {
    const entries = await this.entriesNear(hash, options);
    const found = entries.filter((entry) => entry.hash === hash && entry.page >= start && entry.page < end);
    const offsets = new Set(found.map(({ page }) => page));
    if (offsets.size > MAX_CANDIDATES) {
      throw new PeekpackError("limit", `A key leads to ${offsets.size} pages of the table.`, {
        section: "toc",
      });
    }
    return [...offsets];
  }

  /**
   * The entries of the hash blocks that hold a hash.
   * @param margin how many entries before and after its estimated position are read with it
   */
  async entriesNear(hash: number, options?: ReadOptions, margin: number = HASH_MARGIN): Promise<HashEntry[]> {
    const { hashCount, hashSamples } = this.#index.root;
    if (hashCount === 0) return [];
    // Hashes are evenly distributed, so that the hash itself says where to look between two samples.
    const sample = Math.max(
      0,
      hashSamples.findLastIndex((first) => first <= hash),
    );
    const from = hashSamples[sample]!;
    const share = Math.max(0, hash - from) / Math.max(1, (hashSamples[sample + 1] ?? 2 ** 32) - from);
    const before = sample * SAMPLE_ENTRIES;
    const guess = before + share * Math.min(SAMPLE_ENTRIES, hashCount - before);
    const blocks = Math.ceil(hashCount / HASH_BLOCK_ENTRIES);
    const first = Math.max(0, Math.min(blocks - 1, Math.floor((guess - margin) / HASH_BLOCK_ENTRIES)));
    const end = Math.min(blocks, Math.ceil((guess + margin) / HASH_BLOCK_ENTRIES));
    const found = await this.#hashEntries(first, end, options);
    return (first === 0 || found[0]!.hash < hash) && (end === blocks || found.at(-1)!.hash > hash)
      ? found
      : this.entriesNear(hash, options, margin * 2);
  }

  /** The pages of the group of page records in which an item of a large node is, from the item's on. */
  async pagesFrom(large: LargeNode, item: number, options?: ReadOptions): Promise<PageSpan[]> {
    const spans = await this.#group(large, groupOf(large.record.pageSamples, "first", item), options);
    return spans.filter(({ next }) => next > item);
  }

  /** The page of each of some items of a large node. */
  async pagesOfEach(large: LargeNode, items: readonly number[], options?: ReadOptions): Promise<PageSpan[]> {
    const numbers = items.map((item) => groupOf(large.record.pageSamples, "first", item));
    const groups = new Map<number, PageSpan[]>();
    const read = async (group: number): Promise<unknown> =>
      groups.set(group, await this.#group(large, group, options));
    await Promise.all([...new Set(numbers)].map(read));
    return items.map((item, i) => groups.get(numbers[i]!)!.findLast(({ first }) => first <= item)!);
  }

  /** The page of a large node at a table offset. @throws PeekpackError `corrupt` if there is none */
  async pageAt(large: LargeNode, offset: number, options?: ReadOptions): Promise<PageSpan> {
    const spans = await this.#group(large, groupOf(large.record.pageSamples, "offset", offset), options);
    const page = spans.find((candidate) => candidate.offset === offset);
    if (page === undefined) throw new DamagedIndex("a page record contradicts its node", offset);
    return page;
  }

  /**
   * A large node whose path has a hash.
   * @param isIt tells it from others with the same hash
   */
  async nodeWithHash(
    hash: number,
    isIt: (node: LargeNode) => boolean,
    options?: ReadOptions,
  ): Promise<LargeNode | undefined> {
    const { root } = this.#index;
    const known = this.known.find(isIt);
    const block = root.directory.findLast((entry) => entry.hash <= hash);
    if (known !== undefined || block === undefined) return known;
    const { start, size, crc } = block;
    const nodes = await this.#read(
      { start, end: start + size, crc },
      (bytes, footer) => decodeRecordBlock(bytes, footer).map((record) => new LargeNode(record)),
      options,
    );
    return nodes.find(isIt);
  }

  async #hashEntries(first: number, last: number, options?: ReadOptions): Promise<HashEntry[]> {
    const { hashStart, hashCount } = this.#index.root;
    const blocks = Array.from({ length: last - first }, (_, i) => {
      const start = hashStart + (first + i) * HASH_BLOCK_SIZE;
      const entries = Math.min(HASH_BLOCK_ENTRIES, hashCount - (first + i) * HASH_BLOCK_ENTRIES);
      return this.#read({ start, end: start + entries * 8 + 8 }, decodeHashBlock, options);
    });
    return (await Promise.all(blocks)).flat();
  }

  /** The pages of a group of page records. */
  async #group(large: LargeNode, group: number, options?: ReadOptions): Promise<PageSpan[]> {
    const { pages, pagesStart, pageCount, pageSamples } = large.record;
    if (pages !== undefined) return this.#spans(large, 0, pages);
    const start = pagesStart + group * PAGE_GROUP * PAGE_RECORD_SIZE;
    const count = Math.min(PAGE_GROUP, pageCount - group * PAGE_GROUP);
    const block = { start, end: start + count * PAGE_RECORD_SIZE, crc: pageSamples[group]!.crc };
    return this.#spans(large, group, await this.#read(block, decodePageRecords, options));
  }

  #spans(large: LargeNode, group: number, records: readonly PageRecord[]): PageSpan[] {
    const { items, pageSamples, first, end } = large.record;
    const dataEnd = large.span?.end ?? this.#index.footer.tocStart;
    const following = pageSamples[group + 1];
    // The first page of a node begins with its first entry; that of a group where the group's sample says.
    const begin = group === 0 ? { first: 0, offset: first } : pageSamples[group]!;
    if (records[0]?.first !== begin.first || records[0].offset !== begin.offset) {
      throw new DamagedIndex("a page record contradicts its node", records[0]?.offset);
    }
    return records.map((page, i) => {
      const after = records[i + 1];
      const span: PageSpan = {
        ...page,
        next: after?.first ?? following?.first ?? items,
        // Where the first page of the next group begins is not known here: the node bounds it.
        dataEnd: after?.start ?? dataEnd,
      };
      const fits =
        page.offset >= first &&
        page.offset + page.size <= end &&
        (page.large ? span.next === page.first + 1 : span.next > page.first) &&
        // A run ends where the next page begins, a large child after its page.
        (after === undefined ||
          (page.large
            ? page.offset + page.size <= after.offset
            : page.offset + page.size === after.offset)) &&
        span.dataEnd >= page.start &&
        span.dataEnd <= dataEnd;
      if (!fits) throw new DamagedIndex("a page record contradicts its node", page.offset);
      return span;
    });
  }

  /** Reads and decodes a block. A checksum is compared if one is given. */
  async #read<T extends object>(
    block: Span & { readonly crc?: number | undefined },
    decode: (bytes: Uint8Array, footer: Footer) => T,
    options?: ReadOptions,
  ): Promise<T> {
    const { source, start, footer } = this.#index;
    return kept(this.#pages, "i", block.start, async () => {
      const range = { start: start + block.start, end: start + block.end };
      const [bytes] = await source.read([range], { ...options, reason: "toc" });
      if (block.crc !== undefined) checkBlock(bytes!, block.crc);
      return [decode(bytes!, footer), bytes!.length * 4 + 256];
    });
  }
}

/** Keeps what was decoded of tables and their indexes. */
export interface PieceMemory {
  readonly memory: ByteLru<string, object>;
  /** Tells this table from others that share the memory. */
  readonly id: string;
}

/**
 * What is kept of a piece of a table or its index, or what is made of it now.
 * @param kind tells pieces that begin at the same offset apart
 * @param make gives it, and its cost in bytes
 */
export async function kept<T extends object>(
  { memory, id }: PieceMemory,
  kind: string,
  offset: number,
  make: () => Promise<[T, number]>,
): Promise<T> {
  const name = `${id}${kind}${offset}`;
  const known = memory.get(name) as T | undefined;
  if (known !== undefined) return known;
  const [made, cost] = await make();
  memory.set(name, made, cost);
  return made;
}

/** The last group of page records that does not begin after an item or a table offset. */
function groupOf(samples: NodeRecord["pageSamples"], field: "first" | "offset", value: number): number {
  let group = 0;
  while (group + 1 < samples.length && samples[group + 1]![field] <= value) group++;
  return group;
}
