import { crc32 } from "../crc32.js";
import { PeekpackError } from "../errors.js";
import {
  DamagedIndex,
  encodedKeyHash,
  type NodeRecord,
  PAGE_BYTES,
  pathKeyHash,
} from "../format/page-index.js";
import {
  type BlockList,
  type Blocks,
  type Branch,
  type Span,
  type TableNode,
  TableView,
} from "../format/table-view.js";
import { loadFeature } from "../load-feature.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Entry, EntryRange } from "./entry.js";
import { IndexBlocks, type IndexLocation, type PageSpan } from "./index-blocks.js";
import { headReader, LargeNode } from "./large-node.js";
import type { PagedLookups, TablePages } from "./paged-lookups.js";
import type { PathKey } from "./path.js";
import { readAhead } from "./read-ahead.js";
import { sameKey } from "./same-key.js";
import type { WholeTable } from "./whole-table.js";

/** How much is read of a page whose record is not known yet: all but pages with very long keys fit. */
const PAGE_GUESS = 16 * 1024;
/** A node whose entries take no more bytes of the table is searched without its hash blocks. */
const FEW_PAGES = 32 * 1024;
/** Pages that a walk reads at once: few at first, so that the first entries come soon. */
const FIRST_PAGES = 2;
const MAX_PAGES = 64;

/** A piece of the table with some consecutive entries of a large node. */
interface Page {
  readonly span: PageSpan;
  readonly view: TableView;
  /** Offsets of keys and nodes in the view. `keys` is empty in a list. */
  readonly keys: Uint32Array;
  readonly nodes: Uint32Array;
  /** Positions that bound what the page's entries describe. */
  readonly bounds: Span;
  /** The child, if the page is a large one. */
  readonly child: LargeNode | undefined;
  /** Whether its entries may be archives: only those of the root of a combined archive are. */
  readonly combined: boolean;
}

/** An entry of a page. */
interface PageEntry {
  readonly page: Page;
  readonly index: number;
}

/**
 * The table of an archive with a page index. Pieces of it are fetched when they are needed. The index says where they
 * are; keys, counts and spans are taken from, or compared with, the table's own bytes.
 */
export class PagedTable implements PagedLookups {
  readonly #pages: TablePages;
  readonly index: IndexLocation;
  readonly #blocks: IndexBlocks;
  /** The large nodes of the root block. */
  readonly #known: readonly LargeNode[];
  /** The whole table, once the index was found to be damaged. */
  #whole: WholeTable | undefined;

  constructor(pages: TablePages, index: IndexLocation) {
    this.#pages = pages;
    this.index = index;
    this.#blocks = new IndexBlocks(index, pages.memory, pages.id);
    this.#known = index.root.records.map((record) => new LargeNode(record));
  }

  /** The root node. */
  root(): TableNode {
    if (this.#whole) return this.#whole.table.root();
    const root = this.#known[0]!;
    this.#verify(root);
    return root.toNode();
  }

  /**
   * The node under a key of a large map.
   * @param exact whether to search through the hash blocks in any case, and not among the known large nodes
   */
  async find(
    branch: Branch,
    key: PathKey,
    options?: ReadOptions,
    exact = false,
  ): Promise<TableNode | undefined> {
    const large = branch.entries as LargeNode;
    const hash = this.#hashOf(branch, key);
    if (hash === undefined) return undefined;
    const paged = async (): Promise<TableNode | undefined> => {
      const child = exact ? undefined : this.#knownChild(large.record, hash);
      if (child !== undefined) {
        this.#verify(child, key);
        return child.toNode();
      }
      const found = await this.#search(large, key, hash, options, exact);
      return found && this.#nodeOf(found);
    };
    return this.#either(large, options, paged, (whole) => whole.find(branch, key, options));
  }

  /** The index of the entry under a key of a large map. −1 if there is none. */
  async indexOf(branch: Branch, key: PathKey, options?: ReadOptions): Promise<number> {
    const hash = this.#hashOf(branch, key);
    if (hash === undefined) return -1;
    const large = branch.entries as LargeNode;
    const paged = async (): Promise<number> => {
      const found = await this.#search(large, key, hash, options);
      return found === undefined ? -1 : found.page.span.first + found.index;
    };
    return this.#either(large, options, paged, (whole) => whole.indexOf(branch, key, options));
  }

  /** The item of a large list at an index that is in range. */
  async item(branch: Branch, index: number, options?: ReadOptions): Promise<TableNode> {
    const large = branch.entries as LargeNode;
    const paged = async (): Promise<TableNode> => {
      const spans = await this.#blocks.pagesOfItems(large, index, index + 1, options);
      const [page] = await this.#load(large, spans, options);
      if (page === undefined) throw new DamagedIndex("a page is missing", large.node);
      return this.#nodeOf({ page, index: index - page.span.first });
    };
    return this.#either(large, options, paged, (whole) => whole.item(branch, index, options));
  }

  /** Walks over the entries of a large map or list. Pages are read some at a time, shortly before they are needed. */
  walk(
    branch: Branch,
    { start = 0, end = branch.count }: EntryRange,
    options?: ReadOptions,
  ): AsyncGenerator<Entry[]> {
    const large = branch.entries as LargeNode;
    const paged = readAhead(
      this.#batches(large, start, Math.min(end, branch.count), options),
      async (spans, signal) => {
        const pages = await this.#load(large, spans, { ...options, signal });
        return pages.map((page) => this.#entriesOf(page, start, end));
      },
      options?.signal,
    );
    return this.#eitherWalk(large, options, paged, (whole, last) =>
      whole.walk(branch, { start: last ? last.at(-1)!.index + 1 : start, end }, options),
    );
  }

  /** The blocks of a large list of blocks that hold some of its items. */
  async blocks(list: BlockList, start: number, end: number, options?: ReadOptions): Promise<Blocks> {
    const large = list.blocks as LargeNode;
    const paged = async (): Promise<Blocks> => {
      const spans = await this.#blocks.pagesOfItems(large, start, end, options);
      return joinBlocks(await this.#loadBlocks(large, spans, options));
    };
    return this.#either(large, options, paged, (whole) => whole.blocks(list));
  }

  /** Walks over all blocks of a large list of blocks. */
  walkBlocks(list: BlockList, options?: ReadOptions): AsyncGenerator<Blocks> {
    const large = list.blocks as LargeNode;
    const paged = readAhead(
      this.#batches(large, 0, list.length, options),
      (spans, signal) => this.#loadBlocks(large, spans, { ...options, signal }),
      options?.signal,
    );
    return this.#eitherWalk(large, options, paged, (whole, last) =>
      whole.walkBlocks(list, last?.before.at(-1)),
    );
  }

  /** Looks something up through the index; once that was found to be damaged, in the whole table. */
  async #either<T>(
    large: LargeNode,
    options: ReadOptions | undefined,
    paged: () => Promise<T>,
    whole: (table: WholeTable) => T | Promise<T>,
  ): Promise<T> {
    try {
      if (this.#whole === undefined) return await paged();
    } catch (error) {
      await this.#giveUp(error, options);
    }
    await large.verified;
    return whole(this.#whole!);
  }

  /** The same for a walk. `last` is what the index has given last. */
  async *#eitherWalk<T>(
    large: LargeNode,
    options: ReadOptions | undefined,
    paged: AsyncGenerator<T>,
    whole: (table: WholeTable, last: T | undefined) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    let last: T | undefined;
    try {
      if (this.#whole === undefined) {
        for await (last of paged) yield last;
        return;
      }
    } catch (error) {
      await this.#giveUp(error, options);
    }
    await large.verified;
    yield* whole(this.#whole!, last);
  }

  /** Reads the whole table if an error says that the index is damaged. @throws any other error */
  async #giveUp(error: unknown, options: ReadOptions | undefined): Promise<void> {
    if (!(error instanceof DamagedIndex)) throw error;
    const { wholeTable } = await loadFeature("damaged page indexes", () => import("./whole-table.js"));
    this.#whole = await wholeTable(this.#pages, this.index, error, options?.signal);
  }

  #hashOf(branch: Branch, key: PathKey): number | undefined {
    if (branch.kind === "list") return undefined;
    // null, false and true: how the codec encodes them.
    const plain = this.#pages.protocol === "cbor" ? [0xf6, 0xf4, 0xf5] : [0xc0, 0xc2, 0xc3];
    return pathKeyHash(key, (value) => plain[value === null ? 0 : value ? 2 : 1]!);
  }

  /** A large child with this key hash, if its record is in the root block. */
  #knownChild({ node, end, level }: NodeRecord, hash: number): LargeNode | undefined {
    return this.#known.find(
      ({ record }) =>
        record.level === level + 1 && record.keyHash === hash && record.node > node && record.node < end,
    );
  }

  /** Compares a record with the table, once. Users of the node wait for the result. */
  #verify(large: LargeNode, key?: PathKey): void {
    const { record } = large;
    const compare = async (): Promise<void> => {
      const [bytes] = await this.#pages.readTable([{ start: record.key, end: record.first }]);
      if (crc32(bytes!) !== record.headCrc) throw damagedTable("a node", record.node);
      large.check(this.#pages, bytes!, key);
    };
    large.verified ??= compare().catch((error: unknown) => {
      large.verified = undefined;
      throw error;
    });
    large.verified.catch(() => {});
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
    const pages = await Promise.all(offsets.map((offset) => this.#pageAt(large, offset, options)));
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

  /** The page at a table offset, which a hash entry names. Its record is read at the same time. */
  async #pageAt(large: LargeNode, offset: number, options?: ReadOptions): Promise<Page> {
    const { first, end, pages, count, level } = large.record;
    if (offset < first || offset >= end) {
      throw new DamagedIndex("it names a page outside of its node", offset);
    }
    const known = this.#cached(offset);
    if (known !== undefined) return known;
    if (pages !== undefined) {
      return (await this.#load(large, [await this.#blocks.pageAt(large, offset)], options))[0]!;
    }
    // Entries longer than a page are large children. Their record, and all of their pages if they have few, come along.
    const each = (end - first) / count;
    const size = each > PAGE_BYTES && each <= FEW_PAGES ? FEW_PAGES + PAGE_BYTES : PAGE_GUESS;
    const guess = { start: offset, end: Math.min(offset + size, end) };
    const [span, [bytes]] = await Promise.all([
      this.#blocks.pageAt(large, offset, options),
      this.#pages.readTable([guess], options),
      // What is wrong with it is found when it is needed.
      each > PAGE_BYTES && this.#blocks.nodesNear(level + 1, offset, guess.end, options).catch(() => {}),
      large.verified,
    ]);
    return span.size <= bytes!.length
      ? this.#decode(large, span, bytes!.subarray(0, span.size), options)
      : (await this.#load(large, [span], options))[0]!;
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
      if (group.length === 0) throw new DamagedIndex("a page is missing", large.node);
      for (let i = 0; i < group.length && at < end; ) {
        const batch = group.slice(i, i + pages).filter(({ first }) => first < end);
        i += pages;
        pages = Math.min(MAX_PAGES, pages * 2);
        at = batch.at(-1)!.next;
        yield batch;
      }
    }
  }

  #cached(offset: number): Page | undefined {
    return this.#pages.memory.get(`${this.#pages.id}p${offset}`) as Page | undefined;
  }

  /** Reads pages, all at once. */
  async #load(large: LargeNode, spans: readonly PageSpan[], options?: ReadOptions): Promise<Page[]> {
    const cached = spans.map(({ offset }) => this.#cached(offset));
    const read = await this.#readPages(
      large,
      spans.filter((_, i) => cached[i] === undefined),
      options,
    );
    return Promise.all(
      spans.map((span, i) => cached[i] ?? this.#decode(large, span, read.get(span.offset)!, options)),
    );
  }

  /** The bytes of pages by their offset, checked against their checksums. */
  async #readPages(
    large: LargeNode,
    spans: readonly PageSpan[],
    options?: ReadOptions,
  ): Promise<Map<number, Uint8Array>> {
    const [read] = await Promise.all([
      this.#pages.readTable(
        spans.map(({ offset, size }) => ({ start: offset, end: offset + size })),
        options,
      ),
      large.verified,
    ]);
    return new Map(spans.map(({ offset }, i) => [offset, read[i]!]));
  }

  /** Checks a page's bytes, and finds its entries. */
  async #decode(large: LargeNode, span: PageSpan, bytes: Uint8Array, options?: ReadOptions): Promise<Page> {
    // Another lookup may have decoded it meanwhile.
    const known = this.#cached(span.offset);
    if (known !== undefined) return known;
    const pages = this.#pages;
    checkPage(span, bytes);
    const bounds = { start: span.start, end: span.dataEnd };
    const isMap = large.record.kind === "map";
    const count = span.large ? 1 : span.next - span.first;
    const keys = new Uint32Array(isMap ? Math.min(count, bytes.length) : 0);
    const nodes = new Uint32Array(Math.min(count, bytes.length));
    let child: LargeNode | undefined;
    if (span.large) {
      child = await this.#largeChild(large, span, bytes, options);
      nodes[0] = child.node - span.offset;
    } else {
      // An entry takes at least one byte, so that more entries than bytes are refused here.
      pages.check(bytes, isMap ? count * 2 : count, span.offset);
    }
    const view = new TableView(pages.cursor(bytes), pages.dataSize, span.offset);
    if (child === undefined) {
      for (let i = 0, at = 0; i < count; i++) {
        if (isMap) {
          keys[i] = at;
          at = view.cursor.skip(at);
        }
        nodes[i] = at;
        if (i + 1 < count) at = view.cursor.skip(at);
      }
    }
    const page: Page = { span, view, keys, nodes, bounds, child, combined: !large.span };
    const cost = bytes.length + (keys.length + nodes.length) * 4 + 512;
    pages.memory.set(`${pages.id}p${span.offset}`, page, cost);
    return page;
  }

  /** The large child that a page stands for. */
  async #largeChild(
    { record: parent }: LargeNode,
    { offset, size }: PageSpan,
    bytes: Uint8Array,
    options?: ReadOptions,
  ): Promise<LargeNode> {
    const level = parent.level + 1;
    const isChild = ({ record }: LargeNode): boolean => record.key === offset && record.level === level;
    const child =
      this.#known.find(isChild) ??
      (await this.#blocks.nodesNear(level, offset, offset + size, options)).find(isChild);
    if (child === undefined || child.record.first !== offset + size || child.record.end > parent.end) {
      throw new DamagedIndex("it does not describe a large node", offset);
    }
    child.check(this.#pages, bytes);
    child.verified ??= Promise.resolve();
    return child;
  }

  /** The node of a page's entry. */
  #nodeOf({ page: { view, nodes, bounds, child, combined }, index }: PageEntry): TableNode {
    if (child !== undefined) return child.toNode();
    const node = view.node({ offset: nodes[index]!, bounds });
    if (node.kind !== "archive") return node;
    if (!combined || node.offset < bounds.start || node.offset >= bounds.end) {
      throw new DamagedIndex(`the archive at ${node.offset} is not where it says`, view.base + nodes[index]!);
    }
    const end = index + 1 < nodes.length ? view.archiveOffset(nodes[index + 1]!) : bounds.end;
    return { ...node, end };
  }

  #entriesOf(page: Page, start: number, end: number): Entry[] {
    const { view, keys, nodes, bounds, span, child } = page;
    const entries: Entry[] = [];
    for (let i = Math.max(0, start - span.first); i < nodes.length && span.first + i < end; i++) {
      const offset = nodes[i]!;
      const isKnown = child !== undefined || view.archiveOffset(offset) !== undefined;
      entries.push({
        index: span.first + i,
        view,
        key: keys[i] ?? -1,
        at: { offset, bounds },
        known: isKnown ? this.#nodeOf({ page, index: i }) : undefined,
      });
    }
    return entries;
  }

  /** Reads pages of a list of blocks. */
  async #loadBlocks(large: LargeNode, spans: readonly PageSpan[], options?: ReadOptions): Promise<Blocks[]> {
    const pages = this.#pages;
    const { memory, id } = pages;
    const cached = (span: PageSpan): Blocks | undefined =>
      memory.get(`${id}B${span.offset}`) as Blocks | undefined;
    const known = spans.map(cached);
    const bytesOf = await this.#readPages(
      large,
      spans.filter((_, i) => known[i] === undefined),
      options,
    );
    return spans.map((span, i) => {
      const kept = known[i] ?? cached(span);
      if (kept !== undefined) return kept;
      const bytes = bytesOf.get(span.offset)!;
      checkPage(span, bytes);
      const { head } = headReader(pages, bytes);
      let count = 0;
      for (let at = 0; at < bytes.length; count++) {
        at = head(head(head(head(at, "array"), "uint"), "uint"), "uint");
      }
      const view = new TableView(pages.cursor(bytes), pages.dataSize, span.offset);
      const bounds = { start: span.start, end: span.dataEnd };
      const blocks = view.blocks(0, count, bounds, span.first);
      if (blocks.before[count] !== span.next || blocks.bounds[0] !== span.start) {
        throw new DamagedIndex("a page does not hold the items that it says", span.offset);
      }
      memory.set(`${id}B${span.offset}`, blocks, count * 16 + 512);
      return blocks;
    });
  }
}

/** Compares a page's bytes with its checksum. @throws PeekpackError `corrupt` */
function checkPage({ crc, offset }: PageSpan, bytes: Uint8Array): void {
  if (crc32(bytes) !== crc) throw damagedTable("a page", offset);
}

/** The error for a table that is not the one that was indexed. Without its index, its damage would not be noticed. */
function damagedTable(what: string, offset: number): PeekpackError {
  const text = `The table of contents is damaged: ${what} has a wrong checksum.`;
  return new PeekpackError("corrupt", text, { section: "toc", offset });
}

function joinBlocks(parts: readonly Blocks[]): Blocks {
  const [first] = parts;
  if (first === undefined) throw new DamagedIndex("a page is missing");
  if (parts.length === 1) return first;
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
