import type { PageRecord } from "./page-index.js";
import { HashBlockEncoder, type HashBlocks, hashBlocksSize } from "./page-index-hash-blocks.js";

/** Hash entries are sorted as one number each: the hash, then another number, of so many values. */
const NUMBERS = 2 ** 21;
/** So few entries are sorted by insertion. */
const SHORT = 32;
/** Length in bytes of an entry of a run: its hash, the offset of its page, its second hash. */
export const RUN_ENTRY_SIZE = 12;

/**
 * The hashes of a map's keys, in its order: 8 bytes for each. To be used again for another map: while large buffers are
 * garbage, an engine may collect it at every allocation outside of its heap.
 */
export class KeyHashes {
  /** The hashes that the index holds. */
  #hashes = new Uint32Array(256);
  /** Second hashes, to tell equal keys from keys whose first hash is equal. */
  #seconds = new Uint32Array(256);
  #ends = new Uint32Array(0);
  /** What is sorted. */
  #numbers = new Uint32Array(0);
  #sorted = new Float64Array(0);
  #count = 0;
  /** Entries that were taken as runs, and the page of the next one. */
  #taken = 0;
  #page = 0;

  /** Begins another map. */
  reset(): this {
    this.#count = 0;
    this.#taken = 0;
    this.#page = 0;
    return this;
  }

  /** Entries that are in memory. */
  get count(): number {
    return this.#count;
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

  /** The hash blocks of a map of which no run was taken. Undefined if two keys are equal. */
  blocks(pages: readonly PageRecord[]): HashBlocks | undefined {
    const numbers = this.#numbersOf(this.#count);
    for (let page = 0; page < pages.length; page++) {
      numbers.fill(page, pages[page]!.first, pages[page + 1]?.first);
    }
    const sorted = this.#sort(numbers);
    if (this.#hasEqual(sorted)) return undefined;
    const size = hashBlocksSize(sorted.length);
    const encoder = new HashBlockEncoder(size);
    for (const value of sorted) {
      const hash = Math.floor(value / NUMBERS);
      encoder.add(hash, pages[value - hash * NUMBERS]!.offset);
    }
    const blocks = encoder.finish();
    blocks.bytes = encoder.take();
    return blocks;
  }

  /**
   * Takes entries from memory, as a sorted run: those of all pages but the last, or all `isWhole` is set. The pages are those
   * of the map so far.
   */
  takeRun(pages: readonly PageRecord[], isWhole: boolean): Uint8Array {
    const known = isWhole ? this.#count : pages.at(-1)!.first - this.#taken;
    const count = Math.min(known, NUMBERS);
    if (count <= 0) return new Uint8Array(0);
    const offsets = new Uint32Array(count);
    for (let i = 0; i < count; ) {
      const end = Math.min((pages[this.#page + 1]?.first ?? Number.POSITIVE_INFINITY) - this.#taken, count);
      offsets.fill(pages[this.#page]!.offset, i, end);
      i = end;
      if (i < count) this.#page++;
    }
    const positions = this.#numbersOf(count);
    for (let i = 0; i < count; i++) positions[i] = i;
    const run = new DataView(new ArrayBuffer(count * RUN_ENTRY_SIZE));
    let at = 0;
    for (const value of this.#sort(positions)) {
      const hash = Math.floor(value / NUMBERS);
      const i = value - hash * NUMBERS;
      run.setUint32(at, hash);
      run.setUint32(at + 4, offsets[i]!);
      run.setUint32(at + 8, this.#seconds[i]!);
      at += RUN_ENTRY_SIZE;
    }
    this.#hashes.copyWithin(0, count, this.#count);
    this.#seconds.copyWithin(0, count, this.#count);
    this.#count -= count;
    this.#taken += count;
    return new Uint8Array(run.buffer);
  }

  #numbersOf(count: number): Uint32Array {
    if (this.#numbers.length < count) this.#numbers = new Uint32Array(count);
    return this.#numbers.subarray(0, count);
  }

  /**
   * The first entries sorted: the hash of each and a number that is given for it, as one number. Valid until the next
   * call.
   */
  #sort(numbers: Uint32Array): Float64Array {
    const count = numbers.length;
    const hashes = this.#hashes;
    // Buckets of about four entries: hashes are evenly distributed.
    const bits = Math.max(1, Math.min(24, Math.ceil(Math.log2(count + 1)) - 2));
    const shift = 32 - bits;
    const size = 2 ** bits + 1;
    if (this.#ends.length < size) this.#ends = new Uint32Array(size);
    const ends = this.#ends.subarray(0, size).fill(0);
    for (let i = 0; i < count; i++) ends[(hashes[i]! >>> shift) + 1]!++;
    for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
    if (this.#sorted.length < count) this.#sorted = new Float64Array(count);
    const sorted = this.#sorted.subarray(0, count);
    for (let i = 0; i < count; i++)
      sorted[ends[hashes[i]! >>> shift]!++] = hashes[i]! * NUMBERS + numbers[i]!;
    // Each bucket now ends where its number says, and starts where the one before ends.
    for (let i = 0, start = 0; i < ends.length - 1; i++) {
      const end = ends[i]!;
      if (end - start > SHORT) sorted.subarray(start, end).sort();
      else if (end - start > 1) insertionSort(sorted, start, end);
      start = end;
    }
    return sorted;
  }

  /** Whether two keys have both hashes in common. */
  #hasEqual(sorted: Float64Array): boolean {
    const shared = new Map<number, Set<number>>();
    for (let i = 1; i < sorted.length; i++) {
      if (sorted[i]! - sorted[i - 1]! >= NUMBERS) continue;
      const hash = Math.floor(sorted[i]! / NUMBERS);
      if (hash === Math.floor(sorted[i - 1]! / NUMBERS)) shared.set(hash, new Set());
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
