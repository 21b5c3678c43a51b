import { crc32 } from "../crc32.js";
import { PeekpackError } from "../errors.js";
import {
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

/** Entries before and after the estimated position of a hash that are read with it: four standard deviations. */
const HASH_MARGIN = 360;
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
  readonly #memory: ByteLru<string, object>;
  readonly #id: string;

  constructor(index: IndexLocation, memory: ByteLru<string, object>, id: string) {
    this.#index = index;
    this.#memory = memory;
    this.#id = id;
  }

  /**
   * Table offsets of the pages of a map that hold keys with a hash.
   * @throws PeekpackError `corrupt`; `limit` for too many pages
   */
  async pagesWithHash(record: NodeRecord, hash: number, options?: ReadOptions): Promise<number[]> {
    const { hashCount, hashSamples } = record;
    const blocks = Math.ceil(hashCount / HASH_BLOCK_ENTRIES);
    // The samples bound the search. Equal hashes may begin in the block before a sample.
    let sample = 0;
    while (sample + 1 < hashSamples.length && hashSamples[sample + 1]! < hash) sample++;
    let bound = sample + 1;
    while (bound < hashSamples.length && hashSamples[bound]! <= hash) bound++;
    const low = sample * HASH_SAMPLE_BLOCKS;
    const high = Math.min(blocks, bound * HASH_SAMPLE_BLOCKS);
    const from = hashSamples[sample]!;
    const to = hashSamples[bound] ?? 2 ** 32;
    const entries = Math.min(hashCount, high * HASH_BLOCK_ENTRIES) - low * HASH_BLOCK_ENTRIES;
    // Hashes are evenly distributed, so that the hash itself says where to look.
    const guess = low * HASH_BLOCK_ENTRIES + (Math.max(0, hash - from) / Math.max(1, to - from)) * entries;
    let first = Math.max(low, Math.floor((guess - HASH_MARGIN) / HASH_BLOCK_ENTRIES));
    let last = Math.min(high, Math.ceil((guess + HASH_MARGIN) / HASH_BLOCK_ENTRIES));
    if (first >= last) first = Math.max(low, last - 1);
    for (;;) {
      const found = await this.#hashEntries(record, first, last, options);
      const before = first > low && (found[0]?.hash ?? 0) >= hash;
      const after = last < high && (found.at(-1)?.hash ?? 0) <= hash;
      if (!before && !after) {
        const offsets = new Set(found.filter((entry) => entry.hash === hash).map(({ page }) => page));
        if (offsets.size > MAX_CANDIDATES) {
          throw new PeekpackError("limit", `A key leads to ${offsets.size} pages of the table.`, {
            section: "toc",
          });
        }
        return [...offsets];
      }
      const step = last - first;
      if (before) first = Math.max(low, first - step);
      if (after) last = Math.min(high, last + step);
    }
  }

  /**
   * The pages of a large node that hold the items from `start` to `end`.
   * @param rest whether to give all further pages of the last group as well
   */
  async pagesOfItems(
    large: LargeNode,
    start: number,
    end: number,
    options?: ReadOptions,
    rest = false,
  ): Promise<PageSpan[]> {
    const { pageSamples } = large.record;
    const found: PageSpan[] = [];
    let group = groupOf(pageSamples, "first", start);
    do {
      const spans = await this.#group(large, group, options);
      found.push(...spans.filter(({ first, next }) => next > start && (rest || first < end)));
      group++;
    } while (group < pageSamples.length && pageSamples[group]!.first < end);
    return found;
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
    if (page === undefined) throw new DamagedIndex("it names a page that it does not describe", offset);
    return page;
  }

  /** The large nodes of the blocks that may hold the node of a level whose key is at a table offset and which starts before `end`. */
  async nodesNear(level: number, key: number, end: number, options?: ReadOptions): Promise<LargeNode[]> {
    const { root, footer } = this.#index;
    const { directory } = root;
    let block = -1;
    while (block + 1 < directory.length) {
      const { level: of, node } = directory[block + 1]!;
      if (of > level || (of === level && node > key)) break;
      block++;
    }
    // A node follows its key, so that it may be the first one of the block after.
    const after = directory[block + 1];
    const isNear = after?.level === level && after.node < end;
    const blocks = directory.slice(Math.max(0, block), block + (isNear ? 2 : 1));
    const nodes = await this.#read(
      blocks.map(({ start, size, crc }) => ({ start, end: start + size, crc })),
      (bytes) => decodeRecordBlock(bytes, footer).map((record) => new LargeNode(record)),
      options,
    );
    return nodes.flat();
  }

  async #hashEntries(
    { hashStart, hashCount }: NodeRecord,
    first: number,
    last: number,
    options?: ReadOptions,
  ): Promise<HashEntry[]> {
    const blocks = Array.from({ length: last - first }, (_, i) => {
      const start = hashStart + (first + i) * HASH_BLOCK_SIZE;
      const entries = Math.min(HASH_BLOCK_ENTRIES, hashCount - (first + i) * HASH_BLOCK_ENTRIES);
      return { start, end: start + entries * 8 + 8 };
    });
    return (await this.#read(blocks, decodeHashBlock, options)).flat();
  }

  /** The pages of a group of page records. */
  async #group(large: LargeNode, group: number, options?: ReadOptions): Promise<PageSpan[]> {
    const { pages, pagesStart, pageCount, pageSamples } = large.record;
    if (pages !== undefined) return this.#spans(large, 0, pages);
    const start = pagesStart + group * PAGE_GROUP * PAGE_RECORD_SIZE;
    const count = Math.min(PAGE_GROUP, pageCount - group * PAGE_GROUP);
    const block = { start, end: start + count * PAGE_RECORD_SIZE, crc: pageSamples[group]!.crc };
    const [records] = await this.#read([block], decodePageRecords, options);
    return this.#spans(large, group, records!);
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

  /** Reads and decodes blocks. A checksum is compared if one is given. */
  async #read<T extends object>(
    blocks: readonly (Span & { readonly crc?: number | undefined })[],
    decode: (bytes: Uint8Array) => T,
    options?: ReadOptions,
  ): Promise<T[]> {
    const { source, start } = this.#index;
    const name = (block: Span): string => `${this.#id}i${block.start}`;
    const known = blocks.map((block) => this.#memory.get(name(block)) as T | undefined);
    const missing = blocks.filter((_, i) => known[i] === undefined);
    const ranges = missing.map((block) => ({ start: start + block.start, end: start + block.end }));
    const read = await source.read(ranges, { ...options, reason: "toc" });
    let next = 0;
    return blocks.map((block, i) => {
      const kept = known[i];
      if (kept !== undefined) return kept;
      const bytes = read[next++]!;
      if (block.crc !== undefined && block.crc !== crc32(bytes)) {
        throw new DamagedIndex("a block has a wrong checksum");
      }
      const decoded = decode(bytes);
      this.#memory.set(name(block), decoded, bytes.length * 4 + 256);
      return decoded;
    });
  }
}

/** The last group of page records that does not begin after an item or a table offset. */
function groupOf(samples: NodeRecord["pageSamples"], field: "first" | "offset", value: number): number {
  let group = 0;
  while (group + 1 < samples.length && samples[group + 1]![field] <= value) group++;
  return group;
}
