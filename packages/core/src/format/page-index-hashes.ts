import { hashBlocksSize } from "./page-index.js";
import { HashBlockEncoder, type HashBlocks } from "./page-index-hash-blocks.js";

/** Hash entries are sorted as one number each: the hash, then another number, of so many values. */
const NUMBERS = 2 ** 21;
/** So few entries are sorted by insertion. */
const SHORT = 32;
/** Length in bytes of an entry of a run: its hash, the offset of its page, its second hash. */
export const RUN_ENTRY_SIZE = 12;

/** Hash entries of all large maps: 12 bytes for each. Offsets of pages are table offsets. */
export class HashEntries {
  /** The hashes that the index holds. */
  #hashes = new Uint32Array(256);
  /** Second hashes, to tell equal keys from keys whose first hash is equal. */
  #seconds = new Uint32Array(256);
  /** Offsets of the pages that hold the keys. */
  #pages = new Uint32Array(256);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(hash: number, second: number, page: number): void {
    const at = this.#count++;
    if (at === this.#hashes.length) {
      this.#hashes = widened(this.#hashes);
      this.#seconds = widened(this.#seconds);
      this.#pages = widened(this.#pages);
    }
    this.#hashes[at] = hash;
    this.#seconds[at] = second;
    this.#pages[at] = page;
  }

  /**
   * The hash blocks of all entries. Undefined if two keys of a map are equal.
   * @param tocSize length of the table in bytes
   */
  blocks(tocSize: number): HashBlocks | undefined {
    const count = this.#count;
    const { offsets, ranks } = this.#rankedPages();
    const sorted = this.#sort(ranks);
    if (this.#hasEqual(sorted)) return undefined;
    const encoder = new HashBlockEncoder(hashBlocksSize(count), tocSize);
    for (const value of sorted) {
      const hash = Math.floor(value / NUMBERS);
      encoder.add(hash, offsets[value - hash * NUMBERS]!);
    }
    return { ...encoder.finish(), bytes: encoder.take() };
  }

  /** Takes the first entries from memory, as a sorted run. */
  takeRun(): Uint8Array {
    const count = Math.min(this.#count, NUMBERS);
    const run = new DataView(new ArrayBuffer(count * RUN_ENTRY_SIZE));
    let at = 0;
    for (const value of this.#sort(Uint32Array.from({ length: count }, (_, i) => i))) {
      const hash = Math.floor(value / NUMBERS);
      const i = value - hash * NUMBERS;
      run.setUint32(at, hash);
      run.setUint32(at + 4, this.#pages[i]!);
      run.setUint32(at + 8, this.#seconds[i]!);
      at += RUN_ENTRY_SIZE;
    }
    for (const numbers of [this.#hashes, this.#seconds, this.#pages]) {
      numbers.copyWithin(0, count, this.#count);
    }
    this.#count -= count;
    return new Uint8Array(run.buffer);
  }

  /** The offsets of the pages, ascending, and for each entry the number of its page among them. */
  #rankedPages(): { readonly offsets: Float64Array; readonly ranks: Uint32Array } {
    const pages = this.#pages.subarray(0, this.#count);
    // Most entries are in the page of the one before.
    const offsets = Float64Array.from(new Set(pages.filter((page, i) => page !== pages[i - 1]))).sort();
    const numbers = new Map(Array.from(offsets, (offset, number) => [offset, number]));
    const ranks = new Uint32Array(pages.length);
    for (let i = 0; i < pages.length; i++) {
      ranks[i] = i > 0 && pages[i] === pages[i - 1] ? ranks[i - 1]! : numbers.get(pages[i]!)!;
    }
    return { offsets, ranks };
  }

  /** The first entries sorted: the hash of each and a number that is given for it, as one number. */
  #sort(numbers: Uint32Array): Float64Array {
    const count = numbers.length;
    const hashes = this.#hashes;
    // Buckets of about four entries: hashes are evenly distributed.
    const bits = Math.max(1, Math.min(24, Math.ceil(Math.log2(count + 1)) - 2));
    const shift = 32 - bits;
    const ends = new Uint32Array(2 ** bits + 1);
    for (let i = 0; i < count; i++) ends[(hashes[i]! >>> shift) + 1]!++;
    for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
    const sorted = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      sorted[ends[hashes[i]! >>> shift]!++] = hashes[i]! * NUMBERS + numbers[i]!;
    }
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

/**
 * Passes on the hash entries of an open map. Those of its first page wait until there is a second one: the index holds none
 * for a map of one page.
 */
export class MapHashes {
  readonly #entries: HashEntries;
  /** Makes second hashes differ from those of the same key in other maps. */
  readonly #salt: number;
  /** Hashes of the first page, two for each key. */
  #waiting: number[] | undefined = [];
  #firstPage = -1;

  /** `node`: table offset of the map's node. */
  constructor(entries: HashEntries, node: number) {
    this.#entries = entries;
    this.#salt = Math.imul(node, 0x9e3779b1);
  }

  /** Adds the hash of a key's path, a second hash of the key, and the table offset of the page that holds it. */
  add(hash: number, second: number, page: number): void {
    const salted = (second ^ this.#salt) >>> 0;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      if (waiting.length === 0) this.#firstPage = page;
      if (page === this.#firstPage) {
        waiting.push(hash, salted);
        return;
      }
      for (let i = 0; i < waiting.length; i += 2) {
        this.#entries.add(waiting[i]!, waiting[i + 1]!, this.#firstPage);
      }
      this.#waiting = undefined;
    }
    this.#entries.add(hash, salted, page);
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
