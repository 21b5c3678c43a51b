import { ByteLru } from "../lru.js";
import type { ByteRange } from "./byte-range.js";

/** Consecutive bytes of the object, cached or being fetched. */
export interface Block extends ByteRange {
  /** The bytes, once they have arrived. */
  bytes?: Uint8Array | undefined;
  /** The pool whose budget the block counts against, once it is kept. */
  pool?: BlockPool | undefined;
}

/** A budget for blocks, by their start. */
export type BlockPool = ByteLru<number, Block>;

/** Blocks by position. Blocks never overlap. Those with bytes are kept within the budgets of pools. */
export interface BlockCache {
  /** Makes a pool with a budget of its own. */
  pool(maxBytes: number): BlockPool;
  /** The blocks that overlap a range, in order. */
  overlapping(range: ByteRange): Block[];
  /** The parts of a range that no block covers. */
  holes(range: ByteRange): ByteRange[];
  /** Adds a block. It must not overlap another. */
  add(block: Block): void;
  /** Removes a block. */
  remove(block: Block): void;
  /** Counts a block that has its bytes against a pool, which evicts its least recently used blocks beyond the budget. */
  keep(block: Block, pool: BlockPool): void;
  /** Marks a block as used. */
  touch(block: Block): void;
  /** Removes all blocks that have their bytes. */
  clear(): void;
}

/** Memory of a block, with 256 bytes of overhead. */
const cost = ({ start, end }: Block): number => end - start + 256;

/** Makes a {@link BlockCache}. */
export function blockCache(): BlockCache {
  const list: Block[] = [];
  /** Index of the first block that ends after `position`. */
  const find = (position: number): number => {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle]!.end > position) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const cache: BlockCache = {
    pool: (maxBytes) => new ByteLru<number, Block>(maxBytes, (_start, block) => cache.remove(block)),
    overlapping({ start, end }) {
      const first = find(start);
      let last = first;
      while (last < list.length && list[last]!.start < end) last++;
      return start < end ? list.slice(first, last) : [];
    },
    holes(range) {
      const holes: ByteRange[] = [];
      let position = range.start;
      for (const { start, end } of cache.overlapping(range)) {
        if (start > position) holes.push({ start: position, end: start });
        position = end;
      }
      if (position < range.end) holes.push({ start: position, end: range.end });
      return holes;
    },
    add(block) {
      list.splice(find(block.start), 0, block);
    },
    remove(block) {
      const index = find(block.start);
      if (list[index] === block) list.splice(index, 1);
      block.pool?.delete(block.start);
      block.pool = undefined;
    },
    keep(block, pool) {
      block.pool = pool;
      pool.set(block.start, block, cost(block));
    },
    touch(block) {
      block.pool?.get(block.start);
    },
    clear() {
      // From the end: removing the first of many is slow.
      for (const block of list.filter(({ bytes }) => bytes).reverse()) cache.remove(block);
    },
  };
  return cache;
}
