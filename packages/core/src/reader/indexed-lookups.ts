import { crc32 } from "../crc32.js";
import {
  DamagedIndex,
  encodedKeyHash,
  type NodeRecord,
  pathHash,
  pathKeyHash,
  type RootBlock,
} from "../format/page-index.js";
import type { BlockList, Blocks, Branch, TableNode } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { Entry, EntryRange } from "./entry.js";
import { IndexBlocks, type IndexLocation, type PageSpan } from "./index-blocks.js";
import { KeyMismatch } from "./key-mismatch.js";
import { LargeNode } from "./large-node.js";
import { damagedTable, FEW_PAGES, type PageEntry, PageReader } from "./page-reader.js";
import type { LargeLookups, TablePages } from "./paged-lookups.js";
import type { PathKey, PathSegment } from "./path.js";
import { readAhead } from "./read-ahead.js";
import { sameKey } from "./same-key.js";

/** Paths that a prefetch follows at once: a segment may be a key or an index. */
const MAX_GUESSES = 4;
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
  readonly #root: RootBlock;

  constructor(pages: TablePages, index: IndexLocation) {
    this.#pages = pages;
    this.#blocks = new IndexBlocks(index, pages);
    this.#root = index.root;
    this.#reader = new PageReader(pages, this.#blocks);
  }

  root(): TableNode {
    return this.#verified(this.#blocks.known[0]!);
  }

  async find(
    branch: Branch,
    key: PathKey,
    options?: ReadOptions,
    exact = false,
  ): Promise<TableNode | undefined> {
    const large = branch.entries as LargeNode;
    const hash = this.#hashOf(large, key);
    // What is not known is requested at once. Where each entry is a page, most are large, and found by their records.
    const byRecord =
      !exact && (large.record.pageCount === branch.count || this.#blocks.known.some(isChild(large, hash)));
    const pages = byRecord ? undefined : quiet(this.#pagesOf(large, hash, options));
    const child = exact ? undefined : await this.#child(large, hash, options);
    if (child !== undefined) {
      return this.#verified(child, (of) => sameKey(of, key));
    }
    const offsets = await (pages ?? this.#pagesOf(large, hash, options));
    const found = await this.#search(large, key, hash, offsets, options);
    return found && this.#reader.nodeOf(found);
  }

  async indexOf(branch: Branch, key: PathKey, options?: ReadOptions): Promise<number> {
    const large = branch.entries as LargeNode;
    const hash = this.#hashOf(large, key);
    const found = await this.#search(large, key, hash, await this.#pagesOf(large, hash, options), options);
    return found === undefined ? -1 : found.page.span.first + found.index;
  }

  async items(
    branch: Branch,
    indices: readonly number[],
    options?: ReadOptions,
    exact = true,
  ): Promise<TableNode[]> {
    const large = branch.entries as LargeNode;
    const describing = quiet(this.#blocks.pagesOfEach(large, indices, options));
    const child =
      exact || indices.length > 1
        ? undefined
        : await this.#child(large, pathHash(large.record.hash, indices[0]!), options);
    if (child !== undefined) {
      return [
        this.#verified(child, async () => {
          const [page] = await describing;
          return page!.large && page!.offset === child.record.key;
        }),
      ];
    }
    const spans = await describing;
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
    const spans: PageSpan[] = [];
    for (let at = start; at < end; at = spans.at(-1)!.next) {
      spans.push(...(await this.#blocks.pagesFrom(large, at, options)));
    }
    const needed = spans.filter(({ first }) => first < end);
    return joinBlocks(await this.#reader.loadBlocks(large, needed, options));
  }

  walkBlocks(list: BlockList, start: number, options?: ReadOptions): AsyncGenerator<Blocks> {
    const large = list.blocks as LargeNode;
    return readAhead(
      this.#batches(large, start, list.length, options),
      (spans, signal) => this.#reader.loadBlocks(large, spans, { ...options, signal }),
      options?.signal,
    );
  }

  /**
   * Requests what a path will need of the index, so that its steps do not wait for one another. A step below a node whose
   * record is not known yet would wait for the record. What is wrong is found when it is needed.
   */
  prefetch(from: LargeNode, path: readonly PathSegment[], options?: ReadOptions): void {
    const { levels, directory } = this.#root;
    if (directory.length === 0) return;
    let { level } = from.record;
    let nodes: readonly (Pick<NodeRecord, "hash"> & Partial<NodeRecord>)[] = [from.record];
    for (const segment of path) {
      // A slice leads to many nodes.
      if (level++ > levels || "step" in Object(segment)) return;
      nodes = nodes.slice(0, MAX_GUESSES).flatMap(({ hash: parent, kind }) =>
        this.#entryHashes(segment as PathKey, kind).map((entry) => {
          const hash = pathHash(parent, entry);
          const isIt = ({ record }: LargeNode): boolean => record.hash === hash && record.level === level;
          if (kind === undefined) {
            quiet(this.#blocks.entriesNear(hash, options));
            this.#pages.memory.set(`${this.#pages.id}a${parent}`, {}, 128);
            if (level <= levels) quiet(this.#blocks.nodeWithHash(hash, isIt, options));
          }
          return this.#blocks.known.find(isIt)?.record ?? { hash };
        }),
      );
    }
  }

  /** Whether a node is read with its pages. Where their hash entries were requested, these lead to the one that is needed. */
  #isReadWhole({ first, end, hash }: NodeRecord): boolean {
    return end - first <= FEW_PAGES && !this.#pages.memory.get(`${this.#pages.id}a${hash}`);
  }

  /** The hashes that a key may stand for, in a node of a kind that may be known. */
  #entryHashes(key: PathKey, kind?: NodeRecord["kind"]): number[] {
    const hashes = kind === "list" ? [] : [this.#keyHash(key)];
    if (kind !== "map" && /^\d+$/.test(`${key}`)) hashes.push(Number(key));
    return hashes;
  }

  /** The hash of a key. */
  #keyHash(key: PathKey): number {
    // null, false and true: how the codec encodes them.
    const plain = this.#pages.header.protocol === "cbor" ? [0xf6, 0xf4, 0xf5] : [0xc0, 0xc2, 0xc3];
    return pathKeyHash(key, (value) => plain[value === null ? 0 : value ? 2 : 1]!);
  }

  /** The hash of the path of a key. */
  #hashOf({ record }: LargeNode, key: PathKey): number {
    return pathHash(record.hash, this.#keyHash(key));
  }

  /** The large child under a path with this hash. */
  async #child(large: LargeNode, hash: number, options?: ReadOptions): Promise<LargeNode | undefined> {
    if (large.record.level >= this.#root.levels) return undefined;
    return this.#blocks.nodeWithHash(hash, isChild(large, hash), options);
  }

  /**
   * A node whose record is known. It is compared with the table while it is used.
   * @param isIt whether it is the one that was looked for, by its key or by what is known of its parent
   */
  #verified(large: LargeNode, isIt?: (key: Value) => boolean | Promise<boolean>): TableNode {
    large.key ??= this.#readKey(large).catch((error: unknown) => {
      large.key = undefined;
      throw error;
    });
    const verified = isIt ? large.key.then(isIt).then(checkKey, checkKey) : large.key.then(() => {});
    // Users of the node wait for it.
    return new LargeNode(large.record, quiet(verified)).toNode();
  }

  /** Compares a record with the table, and gives the key of the node. */
  async #readKey(large: LargeNode): Promise<Value> {
    const { key: start, first, end, headCrc, node } = large.record;
    // The pages of a node of few come along: its entries are likely to be next.
    const [bytes] = await this.#pages.readTable([
      { start, end: this.#isReadWhole(large.record) ? end : first },
    ]);
    const head = bytes!.subarray(0, first - start);
    if (crc32(head) !== headCrc) throw damagedTable("a node", node);
    const key = large.check(this.#pages, head);
    return key.length === 0 ? undefined : this.#pages.decodeKey(key);
  }

  /** Table offsets of the pages that may hold a key whose path has a hash. */
  async #pagesOf({ record }: LargeNode, hash: number, options?: ReadOptions): Promise<number[]> {
    const { pages = [] } = record;
    // To read all pages of a node of few takes one round trip less than to ask its hash blocks.
    const all = pages.length === 1 || (this.#isReadWhole(record) && !pages.some(({ large }) => large));
    return all ? pages.map(({ offset }) => offset) : this.#blocks.pagesWithHash(record, hash, options);
  }

  /** Finds a key in pages that may hold it. */
  async #search(
    large: LargeNode,
    key: PathKey,
    hash: number,
    offsets: readonly number[],
    options?: ReadOptions,
  ): Promise<PageEntry | undefined> {
    const pages = await Promise.all(offsets.map((offset) => this.#reader.pageAt(large, offset, options)));
    let hashed = offsets.length === 0 || offsets.length === large.record.pageCount;
    for (const page of pages) {
      const { view, keys } = page;
      for (const [index, start] of keys.entries()) {
        const keyHash = encodedKeyHash(view.cursor, start, this.#pages.decodeKey);
        if (pathHash(large.record.hash, keyHash) !== hash) continue;
        hashed = true;
        const bytes = view.bytes.subarray(start, view.cursor.skip(start));
        if (sameKey(this.#pages.decodeKey(bytes), key)) return { page, index };
      }
    }
    if (!hashed) throw new DamagedIndex("a page is not what the index says", offsets[0]!);
    return undefined;
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
      const group = await this.#blocks.pagesFrom(large, at, options);
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

/** Tells the child of a large node whose path has a hash. */
function isChild(
  { record: { node, end, level } }: LargeNode,
  hash: number,
): (candidate: LargeNode) => boolean {
  return ({ record }) =>
    record.level === level + 1 && record.hash === hash && record.node > node && record.end <= end;
}

/** @throws KeyMismatch if a node is not the one that was looked for, or if the index contradicts itself or the table there */
function checkKey(outcome: unknown): void {
  if (outcome === false || outcome instanceof DamagedIndex) throw new KeyMismatch();
  if (outcome !== true) throw outcome;
}

/** A promise whose rejection is of no matter unless something waits for it. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function joinBlocks(parts: readonly Blocks[]): Blocks {
  if (parts.length === 1) return parts[0]!;
  const total = parts.reduce((sum, { bounds }) => sum + bounds.length - 1, 1);
  const bounds = new Float64Array(total);
  const before = new Float64Array(total);
  let at = 0;
  for (const part of parts) {
    if (at > 0 && bounds[at] !== part.bounds[0]) throw new DamagedIndex("a page is not what the index says");
    bounds.set(part.bounds, at);
    before.set(part.before, at);
    at += part.bounds.length - 1;
  }
  return { bounds, before };
}
