import { isPeekpackError, PeekpackError } from "../errors.js";
import type { BlockList, Blocks, Branch, TableNode } from "../format/table-view.js";
import { AbortListeners } from "../source/abort-listeners.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Entry, EntryRange } from "./entry.js";
import type { IndexLocation, SharedReading } from "./index-blocks.js";
import type { LargeNode } from "./large-node.js";
import type { PageIndexInfo } from "./page-index-info.js";
import type { LargeLookups, TableLookups, TablePages } from "./paged-lookups.js";
import type { PathKey } from "./path.js";

/** A table that is in memory as a whole, because its page index is damaged. */
export class WholeTable implements LargeLookups {
  readonly #table: TableLookups | PeekpackError;

  /** @param table the table, or what is wrong with it */
  constructor(table: TableLookups | PeekpackError) {
    this.#table = table;
  }

  /** The table. @throws PeekpackError `corrupt` if it is damaged as well */
  get #lookups(): TableLookups {
    if (isPeekpackError(this.#table)) throw this.#table;
    return this.#table;
  }

  root(): TableNode {
    return this.#lookups.root();
  }

  find(branch: Branch, key: PathKey, options?: ReadOptions): Promise<TableNode | undefined> {
    return this.#in(branch, (here) => this.#lookups.find(here, key, options));
  }

  indexOf(branch: Branch, key: PathKey, options?: ReadOptions): Promise<number> {
    return this.#in(branch, (here) => this.#lookups.indexOf(here, key, options));
  }

  items(branch: Branch, indices: readonly number[], options?: ReadOptions): Promise<TableNode[]> {
    return this.#in(branch, (here) => this.#lookups.items(here, indices, options));
  }

  async *walk(branch: Branch, range: EntryRange, options?: ReadOptions): AsyncGenerator<Entry[]> {
    yield* await this.#in(branch, (here) => this.#lookups.walk(here, range, options));
  }

  async blocks({ blocks }: BlockList): Promise<Blocks> {
    const node = this.#nodeOf(blocks as LargeNode);
    if (node.kind === "blocked" && "before" in node.blocks) return node.blocks;
    throw noLargeNode();
  }

  async *walkBlocks(list: BlockList, start: number): AsyncGenerator<Blocks> {
    const { bounds, before } = await this.blocks(list);
    const first = before.indexOf(start);
    if (first < 0) throw noLargeNode();
    yield { bounds: bounds.subarray(first), before: before.subarray(first) };
  }

  /** Does something in a branch that was found through the index. */
  async #in<T>({ kind, entries }: Branch, work: (branch: Branch) => T | Promise<T>): Promise<T> {
    const node = this.#nodeOf(entries as LargeNode);
    if (node.kind !== kind) throw noLargeNode();
    return work(node as Branch);
  }

  /** Goes down from the root to a node that was found through the index. */
  #nodeOf({ node: target }: LargeNode): TableNode {
    let node = this.#lookups.root();
    for (let offset = 0; offset !== target; ) {
      if (!("entries" in node && "view" in node.entries)) throw noLargeNode();
      const { view, first } = node.entries;
      let at = first;
      for (let left = node.count; left > 0 && at <= target; left--) {
        offset = node.kind === "map" ? view.skip(at) : at;
        // The last node is not skipped: in a chain of nodes that would take quadratic time.
        if (left > 1) at = view.skip(offset);
      }
      if (offset > target) throw noLargeNode();
      node = view.node({ offset, bounds: view.within(node) });
    }
    return node;
  }
}

function noLargeNode(): PeekpackError {
  const text = "The page index is damaged: it does not describe a large node.";
  return new PeekpackError("corrupt", text, { section: "toc" });
}

/**
 * Reads the whole table, once for all that wait for it, until the last of them has aborted.
 * @param damage what is wrong with the index: it is known as damaged from now on
 * @throws PeekpackError `limit`, and what the source rejects with
 */
export async function wholeTable(
  pages: TablePages,
  index: IndexLocation,
  damage: PeekpackError,
  signal: AbortSignal | undefined,
): Promise<WholeTable> {
  const { info, footer } = index;
  Object.assign(info, { state: "damaged", reason: damage.message } satisfies Partial<PageIndexInfo>);
  const begin = (): SharedReading<WholeTable> => {
    const controller = new AbortController();
    return { table: readWhole(pages, footer.tocSize, controller.signal), controller, waiting: 0 };
  };
  index.reading ??= begin();
  const reading = index.reading as SharedReading<WholeTable>;
  reading.waiting++;
  try {
    return await new AbortListeners().untilAborted(reading.table, signal);
  } finally {
    if (--reading.waiting === 0) {
      reading.controller.abort();
      index.reading = undefined;
    }
  }
}

async function readWhole(pages: TablePages, size: number, signal: AbortSignal): Promise<WholeTable> {
  if (size > pages.limits.maxTocBytes) {
    const text = `The page index is damaged, and the table of contents takes ${size} bytes (limit maxTocBytes).`;
    throw new PeekpackError("limit", text, { section: "toc" });
  }
  const [bytes] = await pages.readTable([{ start: 0, end: size }], { signal });
  try {
    pages.check(bytes!, 1, 0);
    return new WholeTable(pages.whole(bytes!));
  } catch (error) {
    // A table that is damaged as well is not read again.
    if (isPeekpackError(error) && error.code === "corrupt") return new WholeTable(error);
    throw error;
  }
}
