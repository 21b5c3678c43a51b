/** Consecutive bytes of the object, in memory or on their way. */
export interface Block {
  readonly start: number;
  readonly end: number;
  /** The bytes, once they are here. */
  bytes?: Uint8Array | undefined;
  /** Whose budget it counts against, once it is kept. */
  pool?: BlockPool | undefined;
}

/** Blocks by place, none of which overlaps another. Those with bytes are kept within a budget, the latest used longest. */
export interface BlockCache {
  /** The blocks that hold any byte of a range, in order. */
  over(start: number, end: number): Block[];
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

/** What a block costs besides its bytes. */
const administration = 256;

/** Makes a {@link BlockPool}. */
export function blockPool(maxBytes: number): BlockPool {
  return { maxBytes, bytes: 0, blocks: new Set() };
}

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
  const remove = (block: Block): void => {
    const at = find(block.start);
    if (list[at] === block) list.splice(at, 1);
    if (block.pool?.blocks.delete(block)) block.pool.bytes -= block.end - block.start + administration;
    block.pool = undefined;
  };
  return {
    over(start, end) {
      const first = find(start);
      let last = first;
      while (last < list.length && list[last]!.start < end) last++;
      return list.slice(first, last);
    },
    add(block) {
      list.splice(find(block.start), 0, block);
    },
    remove,
    keep(block, pool) {
      const cost = block.end - block.start + administration;
      // A block that fits only where nothing else stays is not worth the others.
      if (cost > pool.maxBytes) {
        remove(block);
        return;
      }
      block.pool = pool;
      pool.blocks.add(block);
      pool.bytes += cost;
      for (const oldest of pool.blocks) {
        if (pool.bytes <= pool.maxBytes) break;
        remove(oldest);
      }
    },
    touch(block) {
      if (block.pool?.blocks.delete(block)) block.pool.blocks.add(block);
    },
    clear() {
      for (const block of list.splice(0)) remove(block);
    },
  };
}
