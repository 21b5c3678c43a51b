import type { BlockList, Blocks } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveReader } from "./archive-reader.js";
import { blockOf } from "./ascending.js";
import type { ResultBudget } from "./result-budget.js";

/** Consecutive blocks that are read at once. */
export interface BlockWindow {
  readonly blocks: Blocks;
  /** Numbers of the first block, and of the block after the last, among `blocks`. */
  readonly first: number;
  readonly last: number;
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

/** Items of a list of blocks, by index. Each block is read and decoded once. */
export async function blockItems(
  archive: ArchiveReader,
  node: BlockList,
  indices: readonly number[],
  options?: ReadOptions,
  budget?: ResultBudget,
): Promise<Value[]> {
  if (indices.length === 0) return [];
  const low = indices.reduce((a, b) => Math.min(a, b));
  const high = indices.reduce((a, b) => Math.max(a, b));
  const { bounds, before } = await archive.table.blocks(node, low, high + 1, options);
  const numbers = indices.map((index) => blockOf(before, index));
  const needed = [...new Set(numbers)];
  const spans = needed.map((block) => ({ start: bounds[block]!, end: bounds[block + 1]! }));
  for (const { start, end } of spans) budget?.takeData(archive, end - start);
  const read = await archive.read(spans, options);
  const items = new Map<number, Value[]>();
  for (const [i, block] of needed.entries()) {
    const count = before[block + 1]! - before[block]!;
    items.set(block, await archive.decode(read[i]!, count, bounds[block]!, budget, options));
  }
  return indices.map((index, i) => items.get(numbers[i]!)![index - before[numbers[i]!]!]);
}
