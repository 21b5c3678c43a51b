import type { BlockList, Blocks, Branch } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveReader } from "./archive-reader.js";
import { type Entry, type EntryRange, nodeOf } from "./entry.js";
import type { ResultBudget } from "./result-budget.js";

/** About so many bytes are read at once while a container is walked. */
const WINDOW_BYTES = 1024 * 1024;

/** Entries of a container in windows whose values are read at once: by count, and by bytes. */
export async function* entryWindows(
  archive: ArchiveReader,
  node: Branch,
  range?: EntryRange,
  options?: ReadOptions,
): AsyncGenerator<Entry[]> {
  for await (const entries of archive.table.walk(node, range, options)) {
    let window: Entry[] = [];
    let bytes = 0;
    for (const entry of entries) {
      window.push(entry);
      const child = nodeOf(entry);
      if (child.kind === "value") bytes += child.span.end - child.span.start;
      if (bytes >= WINDOW_BYTES) {
        yield window;
        window = [];
        bytes = 0;
      }
    }
    if (window.length > 0) yield window;
  }
}

/** Consecutive blocks that are read at once. */
export interface BlockWindow {
  readonly blocks: Blocks;
  /** Numbers of the first block, and of the block after the last, among `blocks`. */
  readonly first: number;
  readonly last: number;
}

/** Blocks of a list in windows that are read at once. */
export async function* blockWindows(
  archive: ArchiveReader,
  node: BlockList,
  options?: ReadOptions,
): AsyncGenerator<BlockWindow> {
  const maxBytes = Math.min(WINDOW_BYTES, archive.context.limits.maxValueBytes);
  for await (const blocks of archive.table.walkBlocks(node, options)) {
    const { bounds } = blocks;
    for (let first = 0; first < bounds.length - 1; ) {
      let last = first + 1;
      while (last < bounds.length - 1 && bounds[last + 1]! - bounds[first]! <= maxBytes) last++;
      yield { blocks, first, last };
      first = last;
    }
  }
}

/**
 * All items of the blocks of a window. Other work runs between the pieces that are decoded at once.
 * @param pieceBytes about so many bytes are decoded at once. Default: each block by itself
 * @param items what the items are appended to, and what is returned
 * @throws PeekpackError `corrupt` if a piece has another number of items than its blocks count
 */
export async function readBlocks(
  archive: ArchiveReader,
  { blocks: { bounds, before }, first, last }: BlockWindow,
  budget: ResultBudget,
  options?: ReadOptions,
  pieceBytes = 0,
  items: Value[] = [],
): Promise<Value[]> {
  const span = { start: bounds[first]!, end: bounds[last]! };
  budget.takeData(archive, span.end - span.start);
  const [bytes] = await archive.read([span], options);
  for (let from = first, to = first; from < last; from = to) {
    while (++to < last && bounds[to]! - bounds[from]! < pieceBytes);
    await budget.pause(options?.signal);
    const piece = bytes!.subarray(bounds[from]! - span.start, bounds[to]! - span.start);
    const count = before[to]! - before[from]!;
    for (const item of await archive.decode(piece, count, bounds[from]!, budget, options)) items.push(item);
  }
  return items;
}
