import { crc32 } from "../crc32.js";
import { PeekpackError } from "../errors.js";
import type { Cursor, Item } from "../format/cursor.js";
import type { Header } from "../format/header.js";
import {
  decodeHashBlock,
  decodePageRecords,
  decodeRecordBlock,
  encodedKeyHash,
  HASH_BLOCK_ENTRIES,
  HASH_BLOCK_SIZE,
  HASH_SAMPLE_BLOCKS,
  type HashEntry,
  type NodeRecord,
  PAGE_GROUP,
  PAGE_RECORD_SIZE,
  type PageRecord,
  pathKeyHash,
} from "../format/page-index.js";
import {
  type BlockList,
  type Blocks,
  type Branch,
  type PagedEntries,
  type Span,
  type TableNode,
  TableView,
} from "../format/table-view.js";
import type { ByteLru } from "../lru.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { PageIndex } from "./page-index.js";
import type { PathKey } from "./path.js";
import { readAhead } from "./read-ahead.js";
import { sameKey } from "./same-key.js";
import type { Entry, EntryRange } from "./table.js";

/** How much is read of a page whose record is not known yet: all but pages with very long keys fit. */
const PAGE_GUESS = 16 * 1024;
/** Pages that a walk reads at once: few at first, so that the first entries come soon. */
const FIRST_PAGES = 2;
const MAX_PAGES = 64;
/** A lookup that leads to more pages is refused: only an index made for it has so many keys with one hash. */
const MAX_CANDIDATES = 64;
/** Entries before and after the estimated position of a hash that are read with it: four standard deviations. */
const HASH_MARGIN = 360;

/** What a paged table needs of its archive. */
export interface TablePages {
  readonly header: Header;
  /** Keeps pages and blocks of the index. */
  readonly memory: ByteLru<string, object>;
  /** Tells this table from others that share the memory. */
  readonly id: string;
  /** Reads pieces of the table, by table offset. */
  readTable(ranges: readonly Span[], options?: ReadOptions): Promise<Uint8Array[]>;
  /** Checks that `count` well-formed items fill a piece of the table. @throws PeekpackError `corrupt` */
  check(bytes: Uint8Array, count: number, offset: number): void;
  cursor(bytes: Uint8Array): Cursor;
  decodeKey(bytes: Uint8Array): Value;
}

/** A piece of the table with some consecutive entries of a large node. */
interface Page {
  readonly record: PageRecord;
  readonly view: TableView;
  /** Offsets of keys and nodes in the view. `keys` is empty in a list. */
  readonly keys: Uint32Array;
  readonly nodes: Uint32Array;
  /** Positions that bound what the page's entries describe. */
  readonly bounds: Span;
  /** The child, if the page is a large one. */
  readonly child: LargeNode | undefined;
}

/** Thrown if a large child that was found by its hash has another key. The lookup is repeated through the hash blocks. */
export class KeyMismatch extends Error {}

/** A large node, as its record in the index describes it. */
class LargeNode implements PagedEntries {
  readonly record: NodeRecord;
  /** Settles when the record has been compared with the table. */
  verified: Promise<void> | undefined;

  constructor(record: NodeRecord) {
    this.record = record;
  }

  get node(): number {
    return this.record.node;
  }
}

/** Waits until a node's record has been compared with the table's own bytes. Resolves at once for any other node. */
export async function verified(node: TableNode): Promise<void> {
  const entries = node.kind === "blocked" ? node.blocks : "entries" in node ? node.entries : undefined;
  if (entries instanceof LargeNode) await entries.verified;
}

/**
 * The table of an archive with a page index. Pieces of it are fetched when they are needed. The index says where they
 * are; keys, counts and spans are taken from, or compared with, the table's own bytes.
 */
export class PagedTable {
  readonly #pages: TablePages;
  readonly #index: PageIndex;
  readonly #known = new Map<number, LargeNode>();

  constructor(pages: TablePages, index: PageIndex) {
    this.#pages = pages;
    this.#index = index;
    for (const record of index.root.records) this.#known.set(record.node, new LargeNode(record));
  }

  /** Memory that the index holds for good, in bytes. */
  get byteLength(): number {
    return this.#index.bytes.length * 2;
  }

  /** Footer and root block of the index. */
  get indexBytes(): Uint8Array {
    return this.#index.bytes;
  }

  /** The root node. */
  root(): TableNode {
    const large = this.#known.get(this.#index.root.records[0]!.node)!;
    this.#verify(large);
    return nodeOfRecord(large);
  }

  /**
   * The node under a key of a large map.
   * @param exact whether to search through the hash blocks in any case
   */
  async find(
    branch: Branch,
    key: PathKey,
    options?: ReadOptions,
    exact = false,
  ): Promise<TableNode | undefined> {
    const large = branch.entries as LargeNode;
    const { record } = large;
    if (branch.kind === "list") return undefined;
    const hash = pathKeyHash(key, (plain) => this.#encodedPlain(plain));
    if (hash === undefined) return undefined;
    const child = exact ? undefined : this.#knownChild(record, hash);
    if (child !== undefined) {
      this.#verify(child, key);
      return nodeOfRecord(child);
    }
    const offsets = record.pageCount === 1 ? [record.first] : await this.#candidates(large, hash, options);
    const pages = await Promise.all(offsets.map((offset) => this.#pageAt(large, offset, options)));
    let found: TableNode | undefined;
    let hashed = offsets.length === 0 || record.pageCount === 1;
    for (const page of pages) {
      const { view, keys } = page;
      for (let i = 0; i < keys.length; i++) {
        const start = keys[i]!;
        const bytes = view.bytes.subarray(start, view.cursor.skip(start));
        if (encodedKeyHash(view.cursor, start, this.#pages.decodeKey) !== hash) continue;
        hashed = true;
        if (sameKey(this.#pages.decodeKey(bytes), key)) found = this.#nodeIn(page, i);
      }
    }
    if (!hashed) throw damaged("a page does not hold the key that the index names", offsets[0]!);
    return found;
  }

  /** The item of a large list at an index that is in range. */
  async item(branch: Branch, index: number, options?: ReadOptions): Promise<TableNode> {
    const large = branch.entries as LargeNode;
    const [page] = await this.#load(large, await this.#recordsOf(large, index, index + 1, options), options);
    return this.#nodeIn(page!, index - page!.record.first);
  }

  /** Walks over the entries of a large map or list. Pages are read some at a time, shortly before they are needed. */
  walk(
    branch: Branch,
    { start = 0, end = branch.count }: EntryRange,
    options?: ReadOptions,
  ): AsyncGenerator<Entry[]> {
    const large = branch.entries as LargeNode;
    const { signal } = options ?? {};
    return readAhead(
      this.#batches(large, start, Math.min(end, branch.count), options),
      async (records, inner) => {
        const pages = await this.#load(large, records, { ...options, signal: inner });
        return pages.map((page) => this.#entriesOf(page, start, end));
      },
      signal,
    );
  }

  /** The blocks of a large list of blocks that hold some of its items. */
  async blocks(list: BlockList, start: number, end: number, options?: ReadOptions): Promise<Blocks> {
    const large = list.blocks as LargeNode;
    const records = await this.#recordsOf(large, start, end, options);
    return joinBlocks(await this.#loadBlocks(large, records, options));
  }

  /** Walks over all blocks of a large list of blocks. */
  walkBlocks(list: BlockList, options?: ReadOptions): AsyncGenerator<Blocks> {
    const large = list.blocks as LargeNode;
    return readAhead(
      this.#batches(large, 0, list.length, options),
      (records, signal) => this.#loadBlocks(large, records, { ...options, signal }),
      options?.signal,
    );
  }

  /** How null, false and true are encoded. */
  #encodedPlain(plain: boolean | null): number {
    if (this.#pages.header.protocol === "cbor") return plain === null ? 0xf6 : plain ? 0xf5 : 0xf4;
    return plain === null ? 0xc0 : plain ? 0xc3 : 0xc2;
  }

  /** A large child with this key hash, if its record is in the root block. */
  #knownChild({ node, end, level }: NodeRecord, hash: number): LargeNode | undefined {
    for (const child of this.#known.values()) {
      const { record } = child;
      if (record.level === level + 1 && record.keyHash === hash && record.node > node && record.node < end) {
        return child;
      }
    }
    return undefined;
  }

  /** Starts to compare a record with the table, unless that was done. Whoever uses the node waits for it. */
  #verify(large: LargeNode, key?: PathKey): void {
    large.verified ??= this.#compare(large.record, key).catch((error: unknown) => {
      large.verified = undefined;
      throw error;
    });
    large.verified.catch(() => {});
  }

  async #compare(record: NodeRecord, key: PathKey | undefined): Promise<void> {
    const [bytes] = await this.#pages.readTable([{ start: record.key, end: record.first }]);
    if (crc32(bytes!) !== record.headCrc) throw damaged("a node is not what the index says", record.node);
    this.#checkHead(record, bytes!, key);
  }

  /** Compares a record with the key and the head of its node. */
  #checkHead(record: NodeRecord, bytes: Uint8Array, key?: PathKey): void {
    const { cursor, item, head } = this.#headReader(bytes);
    const at = record.node - record.key;
    if (at > 0) {
      this.#pages.check(bytes.subarray(0, at), 1, record.key);
      if (key !== undefined && !sameKey(this.#pages.decodeKey(bytes.subarray(0, at)), key)) {
        throw new KeyMismatch();
      }
    }
    if (record.kind === "blocked" || cursor === undefined) return;
    // A map of "p" and "t", in this order unless an old writer made it. Then the span is bounded by the parent alone.
    let offset = head(at, "map");
    let span: Span | undefined;
    for (;;) {
      const name = head(offset, "text");
      const letter = bytes[name];
      if (item.value !== 1) throw damaged("a node is not what the index says", record.node);
      if (letter === 0x74) {
        head(name + 1, record.kind === "map" ? "map" : "array");
        break;
      }
      if (letter !== 0x70) throw damaged("a node is not what the index says", record.node);
      offset = head(head(name + 1, "array"), "uint");
      const start = item.value;
      offset = head(offset, "uint");
      span = { start, end: item.value };
    }
    const said = spanOf(record);
    if (item.value !== record.count || (span && (span.start !== said?.start || span.end !== said.end))) {
      throw damaged("a node is not what the index says", record.node);
    }
  }

  /** Reads single heads of bytes that were not checked. Only heads that end within the bytes are accepted. */
  #headReader(bytes: Uint8Array): {
    readonly cursor: Cursor;
    readonly item: Item;
    head(offset: number, kind: Item["kind"]): number;
  } {
    // Zeros follow, so that no head reads beyond the end.
    const padded = new Uint8Array(bytes.length + 16);
    padded.set(bytes);
    const cursor = this.#pages.cursor(padded);
    const item: Item = { kind: "other", value: 0 };
    const { protocol } = this.#pages.header;
    return {
      cursor,
      item,
      head: (offset, kind) => {
        const type = padded[offset]!;
        if (offset >= bytes.length || !isPlainHead(type, protocol))
          throw damaged("a node does not decode", offset);
        const after = cursor.head(offset, item);
        if (item.kind !== kind || item.value < 0 || after > bytes.length) {
          throw damaged("a node does not decode", offset);
        }
        return after;
      },
    };
  }

  /** Table offsets of the pages that hold keys with a hash. */
  async #candidates(large: LargeNode, hash: number, options?: ReadOptions): Promise<number[]> {
    const { hashCount, hashSamples } = large.record;
    const blocks = Math.ceil(hashCount / HASH_BLOCK_ENTRIES);
    // The samples bound the blocks. Equal hashes may begin in the block before a sample.
    let sample = 0;
    while (sample + 1 < hashSamples.length && hashSamples[sample + 1]! < hash) sample++;
    let bound = sample + 1;
    while (bound < hashSamples.length && hashSamples[bound]! <= hash) bound++;
    const low = sample * HASH_SAMPLE_BLOCKS;
    const high = Math.min(blocks, bound * HASH_SAMPLE_BLOCKS);
    const from = hashSamples[sample]!;
    const to = hashSamples[bound] ?? 2 ** 32;
    const entries = Math.min(hashCount, high * HASH_BLOCK_ENTRIES) - low * HASH_BLOCK_ENTRIES;
    const guess = low * HASH_BLOCK_ENTRIES + (Math.max(0, hash - from) / Math.max(1, to - from)) * entries;
    let first = Math.max(low, Math.floor((guess - HASH_MARGIN) / HASH_BLOCK_ENTRIES));
    let last = Math.min(high, Math.ceil((guess + HASH_MARGIN) / HASH_BLOCK_ENTRIES));
    if (first >= last) first = Math.max(low, last - 1);
    for (;;) {
      const found = await this.#hashEntries(large, first, last, options);
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

  async #hashEntries(
    large: LargeNode,
    first: number,
    last: number,
    options?: ReadOptions,
  ): Promise<HashEntry[]> {
    const { hashStart, hashCount } = large.record;
    const blocks = Array.from({ length: last - first }, (_, i) => {
      const start = hashStart + (first + i) * HASH_BLOCK_SIZE;
      const entries = Math.min(HASH_BLOCK_ENTRIES, hashCount - (first + i) * HASH_BLOCK_ENTRIES);
      return { start, end: start + entries * 8 + 8 };
    });
    const decoded = await this.#indexBlocks(blocks, decodeHashBlock, options);
    return decoded.flat();
  }

  /** The page at a table offset, which a hash entry names. Its record is read at the same time. */
  async #pageAt(large: LargeNode, offset: number, options?: ReadOptions): Promise<Page> {
    const { record } = large;
    if (offset < record.first || offset >= record.end) {
      throw damaged("the index names a page outside of its node", offset);
    }
    const known = this.#cachedPage(offset);
    if (known !== undefined) return known;
    const [pages, [guess]] = await Promise.all([
      this.#recordsAt(large, offset, options),
      record.pages === undefined
        ? this.#pages.readTable([{ start: offset, end: Math.min(offset + PAGE_GUESS, record.end) }], options)
        : [],
      large.verified,
    ]);
    const page = pages.find((candidate) => candidate.offset === offset);
    if (page === undefined) throw damaged("the index names a page that it does not describe", offset);
    if (guess !== undefined && page.size <= guess.length) {
      return this.#page(large, page, guess.subarray(0, page.size), options);
    }
    return (await this.#load(large, [page], options))[0]!;
  }

  /** Batches of page records for a walk over the items from `start` to `end`. */
  async *#batches(
    large: LargeNode,
    start: number,
    end: number,
    options?: ReadOptions,
  ): AsyncGenerator<Numbered[]> {
    let pages = FIRST_PAGES;
    for (let at = start; at < end; ) {
      const group = await this.#recordsOf(large, at, Math.min(end, at + 1), options, true);
      for (let i = 0; i < group.length && at < end; ) {
        const batch = group.slice(i, i + pages).filter(({ first }) => first < end);
        i += pages;
        pages = Math.min(MAX_PAGES, pages * 2);
        if (batch.length === 0) break;
        at = batch.at(-1)!.next;
        yield batch;
      }
    }
  }

  /**
   * Records of the pages that hold the items from `start` to `end`.
   * @param rest whether to give all further pages of the last group as well
   */
  async #recordsOf(
    large: LargeNode,
    start: number,
    end: number,
    options?: ReadOptions,
    rest = false,
  ): Promise<Numbered[]> {
    const { pageSamples, pages } = large.record;
    const fits = ({ first, next }: Numbered): boolean => next > start && (rest || first < end);
    if (pages !== undefined) return this.#numbered(large, 0, pages).filter(fits);
    let group = 0;
    while (group + 1 < pageSamples.length && pageSamples[group + 1]!.first <= start) group++;
    const found: Numbered[] = [];
    do {
      found.push(...(await this.#group(large, group, options)).filter(fits));
      group++;
    } while (group < pageSamples.length && pageSamples[group]!.first < end);
    return found;
  }

  async #recordsAt(large: LargeNode, offset: number, options?: ReadOptions): Promise<Numbered[]> {
    const { pageSamples, pages } = large.record;
    if (pages !== undefined) return this.#numbered(large, 0, pages);
    let group = 0;
    while (group + 1 < pageSamples.length && pageSamples[group + 1]!.offset <= offset) group++;
    return this.#group(large, group, options);
  }

  /** The records of a group of pages. */
  async #group(large: LargeNode, group: number, options?: ReadOptions): Promise<Numbered[]> {
    const { pagesStart, pageCount, pageSamples } = large.record;
    const start = pagesStart + group * PAGE_GROUP * PAGE_RECORD_SIZE;
    const count = Math.min(PAGE_GROUP, pageCount - group * PAGE_GROUP);
    const block = { start, end: start + count * PAGE_RECORD_SIZE };
    const { crc } = pageSamples[group]!;
    const [records] = await this.#indexBlocks(
      [block],
      (bytes) => {
        if (crc32(bytes) !== crc) throw damaged("a block of the page index has a wrong checksum", 0);
        return decodePageRecords(bytes);
      },
      options,
    );
    return this.#numbered(large, group, records!);
  }

  /** Page records with the number of the first item, and the position, of what follows each. */
  #numbered(large: LargeNode, group: number, records: readonly PageRecord[]): Numbered[] {
    const { record } = large;
    const { items, pageSamples, first, end } = record;
    const dataEnd = spanOf(record)?.end ?? this.#pages.header.tocStart;
    const following = pageSamples[group + 1];
    return records.map((page, i) => {
      const after = records[i + 1];
      const numbered = {
        ...page,
        next: after?.first ?? following?.first ?? items,
        // The first page of the next group is not known here: its data bound is the node's.
        dataEnd: after?.start ?? dataEnd,
      };
      if (
        page.offset < first ||
        page.offset + page.size > end ||
        numbered.next <= page.first ||
        numbered.dataEnd < page.start ||
        numbered.dataEnd > dataEnd
      ) {
        throw damaged("the page index contradicts itself", page.offset);
      }
      return numbered;
    });
  }

  #cachedPage(offset: number): Page | undefined {
    return this.#pages.memory.get(`${this.#pages.id}p${offset}`) as Page | undefined;
  }

  /** Reads pages, all at once. */
  async #load(large: LargeNode, records: readonly Numbered[], options?: ReadOptions): Promise<Page[]> {
    const missing = records.filter(({ offset }) => this.#cachedPage(offset) === undefined);
    const [read] = await Promise.all([
      this.#pages.readTable(
        missing.map(({ offset, size }) => ({ start: offset, end: offset + size })),
        { ...options, reason: "toc" },
      ),
      large.verified,
    ]);
    const bytes = new Map(missing.map(({ offset }, i) => [offset, read[i]!]));
    return Promise.all(
      records.map((record) => {
        const fresh = bytes.get(record.offset);
        return fresh === undefined
          ? this.#cachedPage(record.offset)!
          : this.#page(large, record, fresh, options);
      }),
    );
  }

  /** Checks a page's bytes, and finds its entries. */
  async #page(large: LargeNode, record: Numbered, bytes: Uint8Array, options?: ReadOptions): Promise<Page> {
    const pages = this.#pages;
    if (crc32(bytes) !== record.crc) throw damaged("a page has a wrong checksum", record.offset);
    const bounds = { start: record.start, end: record.dataEnd };
    const isMap = large.record.kind === "map";
    let page: Page;
    if (record.large) {
      const child = await this.#largeChild(large, record, bytes, options);
      const view = new TableView(pages.cursor(bytes), pages.header.tocStart, record.offset);
      const keys = isMap ? Uint32Array.of(0) : new Uint32Array(0);
      page = { record, view, keys, nodes: Uint32Array.of(child.node - record.offset), bounds, child };
    } else {
      const count = record.next - record.first;
      // An entry takes at least one byte. This bounds the count before anything is allocated for it.
      if (count > bytes.length) throw damaged("a page is too short for its entries", record.offset);
      pages.check(bytes, isMap ? count * 2 : count, record.offset);
      const view = new TableView(pages.cursor(bytes), pages.header.tocStart, record.offset);
      const keys = new Uint32Array(isMap ? count : 0);
      const nodes = new Uint32Array(count);
      for (let i = 0, at = 0; i < count; i++) {
        if (isMap) {
          keys[i] = at;
          at = view.cursor.skip(at);
        }
        nodes[i] = at;
        if (i + 1 < count) at = view.cursor.skip(at);
      }
      page = { record, view, keys, nodes, bounds, child: undefined };
    }
    const cost = bytes.length + (page.keys.length + page.nodes.length) * 4 + 512;
    pages.memory.set(`${pages.id}p${record.offset}`, page, cost);
    return page;
  }

  /** The large child that a page stands for. */
  async #largeChild(
    { record: parent }: LargeNode,
    { offset, size }: PageRecord,
    bytes: Uint8Array,
    options?: ReadOptions,
  ): Promise<LargeNode> {
    const find = (of: Iterable<LargeNode>): LargeNode | undefined => {
      for (const large of of)
        if (large.record.key === offset && large.record.level === parent.level + 1) return large;
      return undefined;
    };
    const child =
      find(this.#known.values()) ?? find(await this.#recordBlock(parent.level + 1, offset, options));
    if (child === undefined || child.record.first !== offset + size || child.record.end > parent.end) {
      throw damaged("the page index does not describe a large node", offset);
    }
    this.#checkHead(child.record, bytes);
    child.verified ??= Promise.resolve();
    return child;
  }

  /** The records of the block that holds the first node of a level at or after a table offset. */
  async #recordBlock(level: number, offset: number, options?: ReadOptions): Promise<LargeNode[]> {
    const { directory } = this.#index.root;
    // A record's node follows its key, so that the block may be the one that begins after the offset.
    let last = -1;
    while (
      last + 1 < directory.length &&
      (directory[last + 1]!.level < level ||
        (directory[last + 1]!.level === level && directory[last + 1]!.node <= offset))
    ) {
      last++;
    }
    const wanted = directory.slice(Math.max(0, last), last + 2);
    const blocks = await Promise.all(
      wanted.map(({ start, size, crc }) =>
        this.#indexBlocks(
          [{ start, end: start + size }],
          (bytes) => {
            if (crc32(bytes) !== crc) throw damaged("a block of the page index has a wrong checksum", 0);
            return decodeRecordBlock(bytes, this.#index.footer).map((record) => new LargeNode(record));
          },
          options,
        ),
      ),
    );
    return blocks.flat(2);
  }

  /** Reads and decodes blocks of the index. Those used last are kept. */
  async #indexBlocks<T extends object>(
    blocks: readonly Span[],
    decode: (bytes: Uint8Array) => T,
    options?: ReadOptions,
  ): Promise<T[]> {
    const { memory, id } = this.#pages;
    const { source, start, footer } = this.#index;
    const name = (block: Span): string => `${id}i${block.start}`;
    const known = blocks.map((block) => memory.get(name(block)) as T | undefined);
    const missing = blocks.filter((_, i) => known[i] === undefined);
    if (missing.some(({ start: from, end }) => from > end || end > footer.indexSize)) {
      throw damaged("the page index names a block outside of itself", 0);
    }
    const read = missing.length
      ? await source.read(
          missing.map((block) => ({ start: start + block.start, end: start + block.end })),
          { ...options, reason: "toc" },
        )
      : [];
    let next = 0;
    return blocks.map((block, i) => {
      const kept = known[i];
      if (kept !== undefined) return kept;
      const decoded = decode(read[next++]!);
      memory.set(name(block), decoded, (block.end - block.start) * 4 + 256);
      return decoded;
    });
  }

  /** The node of a page's entry. */
  #nodeIn({ view, nodes, bounds, child }: Page, i: number): TableNode {
    if (child !== undefined) return nodeOfRecord(child);
    const node = view.node({ offset: nodes[i]!, bounds });
    if (node.kind !== "archive") return node;
    const after = i + 1 < nodes.length ? view.archiveOffset(nodes[i + 1]!) : bounds.end;
    if (node.offset < bounds.start || node.offset >= bounds.end) {
      throw damaged(`the archive at ${node.offset} is not where the index says`, view.base + nodes[i]!);
    }
    return { ...node, end: after };
  }

  #entriesOf(page: Page, start: number, end: number): Entry[] {
    const { view, keys, nodes, bounds, record, child } = page;
    const entries: Entry[] = [];
    const from = Math.max(0, start - record.first);
    for (let i = from; i < nodes.length && record.first + i < end; i++) {
      const offset = nodes[i]!;
      const isArchive = child === undefined && view.archiveOffset(offset) !== undefined;
      entries.push({
        index: record.first + i,
        view,
        key: keys[i] ?? -1,
        at: { offset, bounds },
        ...(child || isArchive ? { known: this.#nodeIn(page, i) } : undefined),
      });
    }
    return entries;
  }

  /** Reads pages of a list of blocks. */
  async #loadBlocks(
    large: LargeNode,
    records: readonly Numbered[],
    options?: ReadOptions,
  ): Promise<Blocks[]> {
    const [read] = await Promise.all([
      this.#pages.readTable(
        records.map(({ offset, size }) => ({ start: offset, end: offset + size })),
        { ...options, reason: "toc" },
      ),
      large.verified,
    ]);
    return records.map((record, i) => {
      const bytes = read[i]!;
      if (crc32(bytes) !== record.crc) throw damaged("a page has a wrong checksum", record.offset);
      const { head } = this.#headReader(bytes);
      let count = 0;
      for (let at = 0; at < bytes.length; count++) {
        at = head(head(head(head(at, "array"), "uint"), "uint"), "uint");
      }
      const view = new TableView(this.#pages.cursor(bytes), this.#pages.header.tocStart, record.offset);
      const blocks = view.blocks(0, count, { start: record.start, end: record.dataEnd }, record.first);
      if (blocks.before[count] !== record.next || blocks.bounds[0] !== record.start) {
        throw damaged("a page does not hold the items that the index says", record.offset);
      }
      return blocks;
    });
  }
}

/** A page record, and where what follows it begins. */
interface Numbered extends PageRecord {
  /** Number of the first item after the page. */
  readonly next: number;
  /** Position where the data of the page's entries end. */
  readonly dataEnd: number;
}

function nodeOfRecord(large: LargeNode): TableNode {
  const { kind, items, count } = large.record;
  return kind === "blocked"
    ? { kind, length: items, blocks: large }
    : { kind, span: spanOf(large.record), count, entries: large };
}

function spanOf({ spanStart, spanEnd }: NodeRecord): Span | undefined {
  return spanEnd === 0 ? undefined : { start: spanStart, end: spanEnd };
}

function joinBlocks(parts: readonly Blocks[]): Blocks {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const total = parts.reduce((sum, { bounds }) => sum + bounds.length - 1, 1);
  const bounds = new Float64Array(total);
  const before = new Float64Array(total);
  let at = 0;
  for (const part of parts) {
    if (at > 0 && bounds[at] !== part.bounds[0]) throw damaged("blocks are not contiguous", 0);
    bounds.set(part.bounds, at);
    before.set(part.before, at);
    at += part.bounds.length - 1;
  }
  return { bounds, before };
}

/** Whether a head needs no other bytes than its own: an unsigned integer, a text, an array or a map. */
function isPlainHead(type: number, protocol: Header["protocol"]): boolean {
  if (protocol === "cbor") {
    const major = type >> 5;
    return (major === 0 || (major >= 3 && major <= 5)) && (type & 31) < 28;
  }
  return type < 0xc0 || (type >= 0xcc && type <= 0xcf) || type >= 0xd9;
}

function damaged(what: string, offset: number): PeekpackError {
  return new PeekpackError("corrupt", `The page index is damaged: ${what}.`, { section: "toc", offset });
}
