import { crc32 } from "../crc32.js";
import { PeekpackError } from "../errors.js";
import { DamagedIndex, PAGE_BYTES } from "../format/page-index.js";
import { type Blocks, type Span, type TableNode, TableView } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Entry } from "./entry.js";
import type { IndexBlocks, PageSpan } from "./index-blocks.js";
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
  /** The large nodes of the root block. */
  readonly #known: readonly LargeNode[];

  constructor(pages: TablePages, blocks: IndexBlocks, known: readonly LargeNode[]) {
    this.#pages = pages;
    this.#blocks = blocks;
    this.#known = known;
  }

  /** Reads pages, all at once. */
  load(large: LargeNode, spans: readonly PageSpan[], options?: ReadOptions): Promise<Page[]> {
    return this.#load(large, spans, "p", (span, bytes) => this.#decode(large, span, bytes, options), options);
  }

  /** Reads pages of a list of blocks, all at once. */
  loadBlocks(large: LargeNode, spans: readonly PageSpan[], options?: ReadOptions): Promise<Blocks[]> {
    return this.#load(large, spans, "B", (span, bytes) => this.#decodeBlocks(span, bytes), options);
  }

  /** The page at a table offset, which a hash entry names. Its record is read at the same time. */
  async pageAt(large: LargeNode, offset: number, options?: ReadOptions): Promise<Page> {
    const { first, end, pages, count, level } = large.record;
    if (offset < first || offset >= end) {
      throw new DamagedIndex("it names a page outside of its node", offset);
    }
    const kept = (): Page | undefined => this.#kept("p", offset) as Page | undefined;
    const known = kept();
    if (known !== undefined) return known;
    if (pages !== undefined) {
      return (await this.load(large, [await this.#blocks.pageAt(large, offset)], options))[0]!;
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
      ? (kept() ?? this.#decode(large, span, bytes!.subarray(0, span.size), options))
      : (await this.load(large, [span], options))[0]!;
  }

  /** @param kind tells pages of blocks from others in the memory */
  async #load<T extends object>(
    large: LargeNode,
    spans: readonly PageSpan[],
    kind: "p" | "B",
    decode: (span: PageSpan, bytes: Uint8Array) => T | Promise<T>,
    options?: ReadOptions,
  ): Promise<T[]> {
    const kept = ({ offset }: PageSpan): T | undefined => this.#kept(kind, offset) as T | undefined;
    const known = spans.map(kept);
    const missing = spans.filter((_, i) => known[i] === undefined);
    const [read] = await Promise.all([
      this.#pages.readTable(
        missing.map(({ offset, size }) => ({ start: offset, end: offset + size })),
        options,
      ),
      large.verified,
    ]);
    let next = 0;
    return Promise.all(
      spans.map((span, i) => {
        if (known[i]) return known[i];
        const bytes = read[next++]!;
        // Another lookup may have decoded it meanwhile.
        return kept(span) ?? decode(span, bytes);
      }),
    );
  }

  #kept(kind: "p" | "B", offset: number): object | undefined {
    return this.#pages.memory.get(`${this.#pages.id}${kind}${offset}`);
  }

  #keep<T extends object>(kind: "p" | "B", { offset }: PageSpan, decoded: T, cost: number): T {
    this.#pages.memory.set(`${this.#pages.id}${kind}${offset}`, decoded, cost);
    return decoded;
  }

  /** Checks a page's bytes, and finds its entries. */
  async #decode(large: LargeNode, span: PageSpan, bytes: Uint8Array, options?: ReadOptions): Promise<Page> {
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
    return this.#keep("p", span, page, bytes.length + (keys.length + nodes.length) * 4 + 512);
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
    return child;
  }

  /** The node of a page's entry. */
  nodeOf({ page: { view, nodes, bounds, child, combined }, index }: PageEntry): TableNode {
    if (child !== undefined) return child.toNode();
    const node = view.node({ offset: nodes[index]!, bounds });
    if (node.kind !== "archive") return node;
    if (!combined || node.offset < bounds.start || node.offset >= bounds.end) {
      throw new DamagedIndex(`the archive at ${node.offset} is not where it says`, view.base + nodes[index]!);
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

  #decodeBlocks(span: PageSpan, bytes: Uint8Array): Blocks {
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
      throw new DamagedIndex("a page does not hold the items that it says", span.offset);
    }
    return this.#keep("B", span, blocks, count * 16 + 512);
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
