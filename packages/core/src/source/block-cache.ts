import type { ByteRange } from "./range-source.js";

/** Consecutive bytes of the object, in memory or on their way. */
export interface Block extends ByteRange {
  /** The bytes, once they are here. */
  bytes?: Uint8Array | undefined;
  /** Whose budget it counts against, once it is kept. */
  pool?: BlockPool | undefined;
}

/** Blocks by place, none of which overlaps another. Those with bytes are kept within a budget, the latest used longest. */
export interface BlockCache {
  /** The blocks that hold any byte of a range, in order. */
  over(range: ByteRange): Block[];
  /** What no block holds of a range. */
  holes(range: ByteRange): ByteRange[];
  /** Puts a block in its place. It must not overlap another. */
  add(block: Block): void;
  /** Takes a block out. */
  remove(block: Block): void;
  /** Counts a block whose bytes are here, in one of the pools, and lets go of older ones beyond that pool's budget. */
  keep(block: Block, pool: BlockPool): void;
  /** Notes that a block was used. */
  touch(block: Block): void;
  /** Takes out everything. */
  clear(): void;
}

/** A budget of its own. */
export interface BlockPool {
  readonly maxBytes: number;
  /** Bytes kept, each block counted with its administration. */
  bytes: number;
  /** The oldest first. */
  readonly blocks: Set<Block>;
}

/** Makes a {@link BlockPool}. */
export function blockPool(maxBytes: number): BlockPool {
  return { maxBytes, bytes: 0, blocks: new Set() };
}

/** What a block costs, with 256 bytes for its administration. */
const cost = ({ start, end }: Block): number => end - start + 256;

/** Makes a {@link BlockCache}. */
export function blockCache(): BlockCache {
  const list: Block[] = [];
  /** Index of the first block that ends after `place`. */
  const find = (place: number): number => {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle]!.end > place) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const cache: BlockCache = {
    over({ start, end }) {
      const first = find(start);
      let last = first;
      while (last < list.length && list[last]!.start < end) last++;
      return start < end ? list.slice(first, last) : [];
    },
    holes(range) {
      const holes: ByteRange[] = [];
      let at = range.start;
      for (const { start, end } of cache.over(range)) {
        if (start > at) holes.push({ start: at, end: start });
        at = end;
      }
      if (at < range.end) holes.push({ start: at, end: range.end });
      return holes;
    },
    add(block) {
      list.splice(find(block.start), 0, block);
    },
    remove(block) {
      const at = find(block.start);
      if (list[at] === block) list.splice(at, 1);
      if (block.pool?.blocks.delete(block)) block.pool.bytes -= cost(block);
    },
    keep(block, pool) {
      // A block that would push out all others is not worth them.
      if (cost(block) > pool.maxBytes) {
        cache.remove(block);
        return;
      }
      block.pool = pool;
      pool.blocks.add(block);
      pool.bytes += cost(block);
      for (const oldest of pool.blocks) {
        if (pool.bytes <= pool.maxBytes) break;
        cache.remove(oldest);
      }
    },
    touch(block) {
      if (block.pool?.blocks.delete(block)) block.pool.blocks.add(block);
    },
    clear() {
      for (const block of list.splice(0)) cache.remove(block);
    },
  };
  return cache;
}
