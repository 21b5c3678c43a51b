import { crc32 } from "../crc32.js";
import { DamagedIndex, encodedKeyHash, type NodeRecord, pathKeyHash } from "../format/page-index.js";
import type { BlockList, Blocks, Branch, TableNode } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { Entry, EntryRange } from "./entry.js";
import { IndexBlocks, type IndexLocation, type PageSpan } from "./index-blocks.js";
import { KeyMismatch } from "./key-mismatch.js";
import { LargeNode } from "./large-node.js";
import { damagedTable, FEW_PAGES, type PageEntry, PageReader } from "./page-reader.js";
import type { LargeLookups, TablePages } from "./paged-lookups.js";
import type { PathKey } from "./path.js";
import { readAhead } from "./read-ahead.js";
import { sameKey } from "./same-key.js";

/** Pages that a walk reads at once: few at first, so that the first entries come soon. */
const FIRST_PAGES = 2;
const MAX_PAGES = 64;

/**
 * Lookups through a page index. Pieces of the table are fetched when they are needed. The index says where they are; keys,
 * counts and spans are taken from, or compared with, the table's own bytes.
 *
 * Methods throw {@link DamagedIndex} if the index contradicts itself or the table.
 */
export class IndexedLookups implements LargeLookups {
  readonly #pages: TablePages;
  readonly #blocks: IndexBlocks;
  readonly #reader: PageReader;
  /** The large nodes of the root block. */
  readonly #known: readonly LargeNode[];

  constructor(pages: TablePages, index: IndexLocation) {
    this.#pages = pages;
    this.#blocks = new IndexBlocks(index, pages.memory, pages.id);
    this.#known = index.root.records.map((record) => new LargeNode(record));
    this.#reader = new PageReader(pages, this.#blocks, this.#known);
  }

  root(): TableNode {
    return this.#verified(this.#known[0]!);
  }

  async find(
    branch: Branch,
    key: PathKey,
    options?: ReadOptions,
    exact = false,
  ): Promise<TableNode | undefined> {
    const large = branch.entries as LargeNode;
    const hash = this.#hashOf(key);
    if (hash === undefined) return undefined;
    const child = exact ? undefined : this.#knownChild(large.record, hash);
    if (child !== undefined) return this.#verified(child, key);
    const found = await this.#search(large, key, hash, options, exact);
    return found && this.#reader.nodeOf(found);
  }

  async indexOf(branch: Branch, key: PathKey, options?: ReadOptions): Promise<number> {
    const hash = this.#hashOf(key);
    const found =
      hash === undefined ? hash : await this.#search(branch.entries as LargeNode, key, hash, options);
    return found === undefined ? -1 : found.page.span.first + found.index;
  }

  async items(branch: Branch, indices: readonly number[], options?: ReadOptions): Promise<TableNode[]> {
    const large = branch.entries as LargeNode;
    const spans = await this.#blocks.pagesOfEach(large, indices, options);
    const pages = await this.#reader.load(large, [...new Set(spans)], options);
    const pageOf = new Map(pages.map((page) => [page.span.offset, page]));
    return indices.map((item, i) => {
      const page = pageOf.get(spans[i]!.offset)!;
      return this.#reader.nodeOf({ page, index: item - page.span.first });
    });
  }

  walk(
    branch: Branch,
    { start = 0, end = branch.count, depth }: EntryRange,
    options?: ReadOptions,
  ): AsyncGenerator<Entry[]> {
    const large = branch.entries as LargeNode;
    return readAhead(
      this.#batches(large, start, Math.min(end, branch.count), options),
      async (spans, signal) => {
        const pages = await this.#reader.load(large, spans, { ...options, signal });
        return pages.map((page) => this.#reader.entriesOf(page, start, end));
      },
      options?.signal,
      depth,
    );
  }

  async blocks(list: BlockList, start: number, end: number, options?: ReadOptions): Promise<Blocks> {
    const large = list.blocks as LargeNode;
    const spans = await this.#blocks.pagesOfItems(large, start, end, options);
    return joinBlocks(await this.#reader.loadBlocks(large, spans, options));
  }

  walkBlocks(list: BlockList, start: number, options?: ReadOptions): AsyncGenerator<Blocks> {
    const large = list.blocks as LargeNode;
    return readAhead(
      this.#batches(large, start, list.length, options),
      (spans, signal) => this.#reader.loadBlocks(large, spans, { ...options, signal }),
      options?.signal,
    );
  }

  #hashOf(key: PathKey): number | undefined {
    // null, false and true: how the codec encodes them.
    const plain = this.#pages.header.protocol === "cbor" ? [0xf6, 0xf4, 0xf5] : [0xc0, 0xc2, 0xc3];
    return pathKeyHash(key, (value) => plain[value === null ? 0 : value ? 2 : 1]!);
  }

  /** A large child with this key hash, if its record is in the root block. */
  #knownChild({ node, end, level }: NodeRecord, hash: number): LargeNode | undefined {
    return this.#known.find(
      ({ record }) =>
        record.level === level + 1 && record.keyHash === hash && record.node > node && record.node < end,
    );
  }

  /** A known node. It is compared with the table, and its key with the one that led to it, while it is used. */
  #verified(large: LargeNode, key?: PathKey): TableNode {
    large.key ??= this.#readKey(large).catch((error: unknown) => {
      large.key = undefined;
      throw error;
    });
    const verified = large.key.then((of) => {
      if (key !== undefined && !sameKey(of, key)) throw new KeyMismatch();
    });
    // Users of the node wait for it.
    verified.catch(() => {});
    return new LargeNode(large.record, verified).toNode();
  }

  /** Compares a record with the table, and gives the key of the node. */
  async #readKey(large: LargeNode): Promise<Value> {
    const { key: start, first: end, headCrc, node } = large.record;
    const [bytes] = await this.#pages.readTable([{ start, end }]);
    if (crc32(bytes!) !== headCrc) throw damagedTable("a node", node);
    const key = large.check(this.#pages, bytes!);
    return key.length === 0 ? undefined : this.#pages.decodeKey(key);
  }

  /** Finds a key through the hash blocks. A node of few pages needs none. */
  async #search(
    large: LargeNode,
    key: PathKey,
    hash: number,
    options?: ReadOptions,
    exact = false,
  ): Promise<PageEntry | undefined> {
    const { pages: all, pageCount, first, end } = large.record;
    // To read all pages of a node of few takes one round trip less than to ask its hash blocks.
    const few =
      pageCount === 1 || (!exact && end - first <= FEW_PAGES && all?.every((page) => !page.large) === true);
    const offsets = few
      ? (all ?? []).map(({ offset }) => offset)
      : await this.#blocks.pagesWithHash(large.record, hash, options);
    const pages = await Promise.all(offsets.map((offset) => this.#reader.pageAt(large, offset, options)));
    let found: PageEntry | undefined;
    let hashed = few || offsets.length === 0;
    for (const page of pages) {
      const { view, keys } = page;
      for (let index = 0; index < keys.length; index++) {
        const start = keys[index]!;
        if (encodedKeyHash(view.cursor, start, this.#pages.decodeKey) !== hash) continue;
        hashed = true;
        const bytes = view.bytes.subarray(start, view.cursor.skip(start));
        if (sameKey(this.#pages.decodeKey(bytes), key)) found = { page, index };
      }
    }
    if (!hashed) throw new DamagedIndex("a page does not hold the key that it names", offsets[0]!);
    return found;
  }

  /** Batches of pages for a walk over the items from `start` to `end`. */
  async *#batches(
    large: LargeNode,
    start: number,
    end: number,
    options?: ReadOptions,
  ): AsyncGenerator<PageSpan[]> {
    let pages = FIRST_PAGES;
    for (let at = start; at < end; ) {
      const group = await this.#blocks.pagesOfItems(large, at, at + 1, options, true);
      for (let i = 0; i < group.length && at < end; ) {
        const batch = group.slice(i, i + pages).filter(({ first }) => first < end);
        i += pages;
        pages = Math.min(MAX_PAGES, pages * 2);
        at = batch.at(-1)!.next;
        yield batch;
      }
    }
  }
}

function joinBlocks(parts: readonly Blocks[]): Blocks {
  if (parts.length === 1) return parts[0]!;
  const total = parts.reduce((sum, { bounds }) => sum + bounds.length - 1, 1);
  const bounds = new Float64Array(total);
  const before = new Float64Array(total);
  let at = 0;
  for (const part of parts) {
    if (at > 0 && bounds[at] !== part.bounds[0]) throw new DamagedIndex("blocks are not contiguous");
    bounds.set(part.bounds, at);
    before.set(part.before, at);
    at += part.bounds.length - 1;
  }
  return { bounds, before };
}
