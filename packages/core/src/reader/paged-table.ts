import { DamagedIndex } from "../format/page-index.js";
import type { BlockList, Blocks, Branch, PagedEntries, TableNode } from "../format/table-view.js";
import { loadFeature } from "../load-feature.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Entry, EntryRange } from "./entry.js";
import type { IndexLocation } from "./index-blocks.js";
import { IndexedLookups } from "./indexed-lookups.js";
import type { LargeNode } from "./large-node.js";
import type { LargeLookups, PagedLookups, TablePages } from "./paged-lookups.js";
import type { PathKey, PathSegment } from "./path.js";
import type { WholeTable } from "./whole-table.js";

/** The table of an archive with a page index. Once the index is found to be damaged, the whole table is read. */
export class PagedTable implements PagedLookups {
  readonly index: IndexLocation;
  readonly #pages: TablePages;
  readonly #indexed: IndexedLookups;
  #whole: WholeTable | undefined;

  constructor(pages: TablePages, index: IndexLocation) {
    this.#pages = pages;
    this.index = index;
    this.#indexed = new IndexedLookups(pages, index);
  }

  root(): TableNode {
    return (this.#whole ?? this.#indexed).root();
  }

  prefetch(node: TableNode, path: readonly PathSegment[], options?: ReadOptions): void {
    if (this.#whole === undefined && "entries" in node && !("view" in node.entries)) {
      this.#indexed.prefetch(node.entries as LargeNode, path, options);
    }
  }

  find(branch: Branch, key: PathKey, options?: ReadOptions, exact?: boolean): Promise<TableNode | undefined> {
    return this.#look(branch.entries, options, (table) => table.find(branch, key, options, exact));
  }

  indexOf(branch: Branch, key: PathKey, options?: ReadOptions): Promise<number> {
    return this.#look(branch.entries, options, (table) => table.indexOf(branch, key, options));
  }

  items(
    branch: Branch,
    indices: readonly number[],
    options?: ReadOptions,
    exact?: boolean,
  ): Promise<TableNode[]> {
    return this.#look(branch.entries, options, (table) => table.items(branch, indices, options, exact));
  }

  walk(branch: Branch, range: EntryRange, options?: ReadOptions): AsyncGenerator<Entry[]> {
    return this.#walk<Entry[]>(branch.entries, options, (table, last) =>
      table.walk(branch, last ? { ...range, start: last.at(-1)!.index + 1 } : range, options),
    );
  }

  blocks(list: BlockList, start: number, end: number, options?: ReadOptions): Promise<Blocks> {
    return this.#look(list.blocks, options, (table) => table.blocks(list, start, end, options));
  }

  walkBlocks(list: BlockList, start: number, options?: ReadOptions): AsyncGenerator<Blocks> {
    return this.#walk<Blocks>(list.blocks, options, (table, last) =>
      table.walkBlocks(list, last?.before.at(-1) ?? start, options),
    );
  }

  /** Looks something up in a large node. */
  async #look<T>(
    large: unknown,
    options: ReadOptions | undefined,
    work: (table: LargeLookups) => T | Promise<T>,
  ): Promise<T> {
    try {
      if (this.#whole === undefined) return await work(this.#indexed);
    } catch (error) {
      await this.#giveUp(error, options);
    }
    return work(await this.#wholeFor(large as PagedEntries, options));
  }

  /** The same for a walk. `last` is what the index has given last. */
  async *#walk<T>(
    large: unknown,
    options: ReadOptions | undefined,
    work: (table: LargeLookups, last?: T) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    let last: T | undefined;
    try {
      if (this.#whole === undefined) {
        for await (last of work(this.#indexed)) yield last;
        return;
      }
    } catch (error) {
      await this.#giveUp(error, options);
    }
    yield* work(await this.#wholeFor(large as PagedEntries, options), last);
  }

  /** Reads the whole table if an error says that the index is damaged. @throws any other error */
  async #giveUp(error: unknown, options: ReadOptions | undefined): Promise<void> {
    if (!(error instanceof DamagedIndex)) throw error;
    const { wholeTable } = await loadFeature("damaged page indexes", () => import("./whole-table.js"));
    this.#whole ??= await wholeTable(this.#pages, this.index, error, options?.signal);
  }

  /** The whole table, for a node that was found through the index: it may be that of another key. */
  async #wholeFor({ verified }: PagedEntries, options: ReadOptions | undefined): Promise<WholeTable> {
    await verified?.catch((error) => this.#giveUp(error, options));
    return this.#whole!;
  }
}
