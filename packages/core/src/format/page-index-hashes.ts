import { crc32 } from "../crc32.js";
import { HASH_BLOCK_ENTRIES, HASH_SAMPLE_BLOCKS, type PageRecord } from "./page-index.js";

/** Hash entries are sorted as one number each: the hash, then the number of the page in so many values. */
const PAGES = 2 ** 21;
/** A run of so many entries is sorted by insertion. */
const SHORT_RUN = 32;
/** Hash blocks that are encoded at a time. */
const CHUNK_BLOCKS = 256;

/**
 * The hashes of a map's keys, in its order: 8 bytes for each. To be used again for another map: while large buffers are
 * garbage, an engine may collect it at every allocation outside of its heap.
 */
export class KeyHashes {
  /** The hashes that the index holds. */
  #hashes = new Uint32Array(256);
  /** Second hashes, to tell equal keys from keys whose first hash is equal. */
  #seconds = new Uint32Array(256);
  readonly #sorter = new HashSorter();
  #count = 0;

  /** Begins another map. */
  reset(): this {
    this.#count = 0;
    return this;
  }

  add(hash: number, second: number): void {
    const at = this.#count++;
    if (at === this.#hashes.length) {
      this.#hashes = widened(this.#hashes);
      this.#seconds = widened(this.#seconds);
    }
    this.#hashes[at] = hash;
    this.#seconds[at] = second;
  }

  /** The hashes sorted, each with the number of the page that holds its key. Undefined if two keys are equal. */
  sorted(pages: readonly PageRecord[]): Float64Array | undefined {
    const count = this.#count;
    const hashes = this.#hashes;
    const sorted = this.#sorter.sorted(count, (use) => {
      for (let page = 0, i = 0; page < pages.length; page++) {
        const end = pages[page + 1]?.first ?? count;
        for (; i < end; i++) use(hashes[i]! * PAGES + page);
      }
    });
    return this.#hasEqual(sorted) ? undefined : sorted;
  }

  /** Whether two keys have both hashes in common. */
  #hasEqual(sorted: Float64Array): boolean {
    const shared = new Map<number, Set<number>>();
    for (let i = 1; i < sorted.length; i++) {
      if (sorted[i]! - sorted[i - 1]! >= PAGES) continue;
      const hash = Math.floor(sorted[i]! / PAGES);
      if (hash === Math.floor(sorted[i - 1]! / PAGES)) shared.set(hash, new Set());
    }
    if (shared.size === 0) return false;
    for (let i = 0; i < this.#count; i++) {
      const seconds = shared.get(this.#hashes[i]!);
      if (seconds === undefined) continue;
      if (seconds.has(this.#seconds[i]!)) return true;
      seconds.add(this.#seconds[i]!);
    }
    return false;
  }
}

/** Sorts hash entries, of which those with neighboring hashes are few. */
class HashSorter {
  #ends = new Uint32Array(0);

  /** @param each gives every entry, in the same order each time */
  sorted(count: number, each: (use: (entry: number) => void) => void): Float64Array {
    // Buckets of about four entries: hashes are evenly distributed.
    const bits = Math.max(1, Math.min(24, Math.ceil(Math.log2(count + 1)) - 2));
    const width = 2 ** (32 - bits) * PAGES;
    const size = 2 ** bits + 1;
    if (this.#ends.length < size) this.#ends = new Uint32Array(size);
    const ends = this.#ends.subarray(0, size).fill(0);
    each((entry) => {
      ends[Math.floor(entry / width) + 1]!++;
    });
    for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
    const sorted = new Float64Array(count);
    each((entry) => {
      sorted[ends[Math.floor(entry / width)]!++] = entry;
    });
    // Each bucket now ends where its number says, and starts where the one before ends.
    for (let i = 0, start = 0; i < ends.length - 1; i++) {
      const end = ends[i]!;
      if (end - start > SHORT_RUN) sorted.subarray(start, end).sort();
      else if (end - start > 1) insertionSort(sorted, start, end);
      start = end;
    }
    return sorted;
  }
}

/** The hashes of a large map, as {@link KeyHashes} gives them, and its pages. */
export interface MapHashes {
  readonly hashes?: Float64Array | undefined;
  readonly pages: readonly PageRecord[];
}

/** The hash entries of all large maps, in the order of the index. */
export class HashEntries {
  readonly #sorted: Float64Array;
  /** Table offsets of the pages of these maps, ascending. */
  readonly #offsets: Float64Array;

  constructor(nodes: readonly MapHashes[]) {
    const maps = nodes.filter(({ hashes }) => hashes !== undefined);
    this.#offsets = Float64Array.from(
      maps.flatMap(({ pages }) => pages),
      ({ offset }) => offset,
    ).sort();
    if (maps.length === 1) {
      this.#sorted = maps[0]!.hashes!;
      return;
    }
    const ranks = new Map(Array.from(this.#offsets, (offset, rank) => [offset, rank]));
    const count = maps.reduce((sum, { hashes }) => sum + hashes!.length, 0);
    this.#sorted = new HashSorter().sorted(count, (use) => {
      for (const { hashes, pages } of maps) {
        const numbers = pages.map(({ offset }) => ranks.get(offset)!);
        for (const entry of hashes!) {
          const hash = Math.floor(entry / PAGES) * PAGES;
          use(hash + numbers[entry - hash]!);
        }
      }
    });
  }

  get count(): number {
    return this.#sorted.length;
  }

  /** Length of the hash blocks in bytes. */
  get byteLength(): number {
    return hashBytes(this.count);
  }

  /** The first hash of every 64th block. */
  samples(): Uint32Array {
    const step = HASH_BLOCK_ENTRIES * HASH_SAMPLE_BLOCKS;
    return Uint32Array.from({ length: Math.ceil(this.count / step) }, (_, i) =>
      Math.floor(this.#sorted[i * step]! / PAGES),
    );
  }

  /** The hash blocks, some at a time. */
  *chunks(): Generator<Uint8Array> {
    const step = CHUNK_BLOCKS * HASH_BLOCK_ENTRIES;
    for (let start = 0; start < this.count; start += step) {
      const end = Math.min(start + step, this.count);
      const chunk = new Uint8Array(hashBytes(end - start));
      this.#encode(new DataView(chunk.buffer), start, end);
      yield chunk;
    }
  }

  #encode(view: DataView, start: number, end: number): void {
    for (let first = start, at = 0; first < end; first += HASH_BLOCK_ENTRIES) {
      const block = at;
      const last = Math.min(first + HASH_BLOCK_ENTRIES, end);
      for (let i = first; i < last; i++, at += 8) {
        const value = this.#sorted[i]!;
        const hash = Math.floor(value / PAGES);
        view.setUint32(at, hash, true);
        view.setUint32(at + 4, this.#offsets[value - hash * PAGES]!, true);
      }
      view.setUint32(at + 4, crc32(new Uint8Array(view.buffer, block, at - block)), true);
      at += 8;
    }
  }
}

function hashBytes(count: number): number {
  return count * 8 + Math.ceil(count / HASH_BLOCK_ENTRIES) * 8;
}

function insertionSort(values: Float64Array, start: number, end: number): void {
  for (let i = start + 1; i < end; i++) {
    const value = values[i]!;
    let at = i;
    for (; at > start && values[at - 1]! > value; at--) values[at] = values[at - 1]!;
    values[at] = value;
  }
}

function widened(numbers: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const wide = new Uint32Array(numbers.length * 2);
  wide.set(numbers);
  return wide;
}
