import { crc32 } from "../crc32.js";
import { PeekpackError } from "../errors.js";
import { DamagedIndex } from "../format/page-index.js";
import { type Blocks, type Span, type TableNode, TableView } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Entry } from "./entry.js";
import { type IndexBlocks, kept, type PageSpan } from "./index-blocks.js";
import { headReader, type LargeNode } from "./large-node.js";
import type { TablePages } from "./paged-lookups.js";

/** How much is read of a page whose record is not known yet: all but pages with very long keys fit. */
const PAGE_GUESS = 16 * 1024;
/** A node whose entries take no more bytes of the table is searched without its hash blocks. */
export const FEW_PAGES: number = 32 * 1024;

/** A piece of the table with some consecutive entries of a large node. */
export interface Page {
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
export interface PageEntry {
  readonly page: Page;
  readonly index: number;
}

/** Reads pages of a table, compares them with their checksums and keeps what is decoded of them. */
export class PageReader {
  readonly #pages: TablePages;
  readonly #blocks: IndexBlocks;

  constructor(pages: TablePages, blocks: IndexBlocks) {
    this.#pages = pages;
    this.#blocks = blocks;
  }

  /** Reads pages, all at once. */
  load(large: LargeNode, spans: readonly PageSpan[], options?: ReadOptions): Promise<Page[]> {
    return this.#load("p", large, spans, options, (span, bytes) => this.#decode(large, span, bytes, options));
  }

  /** Reads pages of a list of blocks, all at once. */
  loadBlocks(large: LargeNode, spans: readonly PageSpan[], options?: ReadOptions): Promise<Blocks[]> {
    return this.#load("B", large, spans, options, async (span, bytes) => this.#decodeBlocks(span, bytes));
  }

  /** The page at a table offset, which a hash entry names. */
  async pageAt(large: LargeNode, offset: number, options?: ReadOptions): Promise<Page> {
    const { pages, end } = large.record;
    if (pages === undefined && !this.#pages.memory.get(`${this.#pages.id}p${offset}`)) {
      // Requested together with its record. The engine's cache then has it.
      const guess = { start: offset, end: Math.min(offset + PAGE_GUESS, end) };
      this.#pages.readTable([guess], options).catch(() => {});
    }
    const span = await this.#blocks.pageAt(large, offset, options);
    return (await this.load(large, [span], options))[0]!;
  }

  /** What is decoded of pages, once their node has been compared with the table. */
  async #load<T extends object>(
    kind: string,
    large: LargeNode,
    spans: readonly PageSpan[],
    options: ReadOptions | undefined,
    decode: (span: PageSpan, bytes: Uint8Array) => Promise<[T, number]>,
  ): Promise<T[]> {
    const decoded = async (span: PageSpan): Promise<T> => {
      const range = { start: span.offset, end: span.offset + span.size };
      return kept(this.#pages, kind, span.offset, async () => {
        const [[bytes]] = await Promise.all([this.#pages.readTable([range], options), large.verified]);
        return decode(span, bytes!);
      });
    };
    const [pages] = await Promise.all([Promise.all(spans.map(decoded)), large.verified]);
    return pages;
  }

  /** Checks a page's bytes, and finds its entries. */
  async #decode(
    large: LargeNode,
    span: PageSpan,
    bytes: Uint8Array,
    options?: ReadOptions,
  ): Promise<[Page, number]> {
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
    const view = new TableView(pages.cursor(bytes), pages.header.tocStart, span.offset);
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
    return [page, bytes.length + (keys.length + nodes.length) * 4 + 512];
  }

  /** The large child that a page stands for. */
  async #largeChild(
    { record: parent }: LargeNode,
    { offset, size, hash }: PageSpan,
    bytes: Uint8Array,
    options?: ReadOptions,
  ): Promise<LargeNode> {
    const isChild = ({ record }: LargeNode): boolean =>
      record.key === offset && record.level === parent.level + 1;
    const child = await this.#blocks.nodeWithHash(hash, isChild, options);
    if (child === undefined || child.record.first !== offset + size || child.record.end > parent.end) {
      throw new DamagedIndex("a node is not what the index says", offset);
    }
    child.check(this.#pages, bytes);
    return child;
  }

  /** The node of a page's entry. */
  nodeOf({ page: { view, nodes, bounds, child, combined }, index }: PageEntry): TableNode {
    if (child !== undefined) return child.toNode();
    const node = view.node({ offset: nodes[index]!, bounds });
    if (node.kind !== "archive") return node;
    if (!combined || node.offset < bounds.start || node.offset >= bounds.end) {
      throw new DamagedIndex("an archive is not where the index says", view.base + nodes[index]!);
    }
    const end = index + 1 < nodes.length ? view.archiveOffset(nodes[index + 1]!) : bounds.end;
    return { ...node, end };
  }

  entriesOf(page: Page, start: number, end: number): Entry[] {
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
        known: isKnown ? this.nodeOf({ page, index: i }) : undefined,
      });
    }
    return entries;
  }

  #decodeBlocks(span: PageSpan, bytes: Uint8Array): [Blocks, number] {
    const pages = this.#pages;
    checkPage(span, bytes);
    const { head } = headReader(pages, bytes);
    let count = 0;
    for (let at = 0; at < bytes.length; count++) {
      at = head(head(head(head(at, "array"), "uint"), "uint"), "uint");
    }
    const view = new TableView(pages.cursor(bytes), pages.header.tocStart, span.offset);
    const bounds = { start: span.start, end: span.dataEnd };
    const blocks = view.blocks(0, count, bounds, span.first);
    if (blocks.before[count] !== span.next || blocks.bounds[0] !== span.start) {
      throw new DamagedIndex("a page is not what the index says", span.offset);
    }
    return [blocks, count * 16 + 512];
  }
}

/** Compares a page's bytes with its checksum. @throws PeekpackError `corrupt` */
function checkPage({ crc, offset }: PageSpan, bytes: Uint8Array): void {
  if (crc32(bytes) !== crc) throw damagedTable("a page", offset);
}

/** The error for a table that is not the one that was indexed. Without its index, its damage would not be noticed. */
export function damagedTable(what: string, offset: number): PeekpackError {
  const text = `The table of contents is damaged: ${what} has a wrong checksum.`;
  return new PeekpackError("corrupt", text, { section: "toc", offset });
}
