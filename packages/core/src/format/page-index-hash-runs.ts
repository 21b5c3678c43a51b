import { HASH_BLOCK_SIZE } from "./page-index.js";
import { HashBlockEncoder, type SpilledBlocks } from "./page-index-hash-blocks.js";
import { type HashEntries, RUN_ENTRY_SIZE } from "./page-index-hashes.js";

/** Where a page index puts what it does not keep in memory. */
export interface HashSpill {
  /** Appends bytes. Returns the offset where they begin. */
  append(bytes: Uint8Array): Promise<number>;
  /** Reads bytes `start` to `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A sorted run of hash entries in a spill. */
export interface HashRun {
  readonly at: number;
  readonly size: number;
}

/** Bytes of a run that are read at a time. */
const PIECE = 2700 * RUN_ENTRY_SIZE;
/** Hash blocks that are written at a time, in bytes. */
const BLOCKS = 256 * HASH_BLOCK_SIZE;
/** Number of values of a run's number. */
const RUNS = 2 ** 20;

/** Moves the first entries from memory to the spill, as a run. */
export async function spillRun(entries: HashEntries, spill: HashSpill): Promise<HashRun> {
  const run = entries.takeRun();
  return { at: await spill.append(run), size: run.length };
}

/**
 * Merges runs into hash blocks in the spill. Undefined if two keys of a map are equal. Memory holds 32 KiB of each run.
 * @param tocSize length of the table in bytes
 */
export async function mergeRuns(
  runs: readonly HashRun[],
  spill: HashSpill,
  tocSize: number,
): Promise<SpilledBlocks | undefined> {
  const readers = runs.map((run) => new RunReader(run, spill));
  for (const reader of readers) await reader.load();
  const order = new MergeOrder(readers.map((reader, i) => reader.hash * RUNS + i));
  const encoder = new HashBlockEncoder(BLOCKS, tocSize);
  let at: number | undefined;
  const flush = async (): Promise<void> => {
    const start = await spill.append(encoder.take());
    at ??= start;
  };
  const pages: number[] = [];
  const seconds: number[] = [];
  while (order.first < Number.POSITIVE_INFINITY) {
    const hash = Math.floor(order.first / RUNS);
    pages.length = 0;
    seconds.length = 0;
    while (Math.floor(order.first / RUNS) === hash) {
      const run = order.first - hash * RUNS;
      const reader = readers[run]!;
      pages.push(reader.pageOffset);
      seconds.push(reader.second);
      if (!reader.next()) await reader.load();
      order.replaceFirst(reader.isAtEnd ? Number.POSITIVE_INFINITY : reader.hash * RUNS + run);
    }
    if (pages.length > 1) {
      if (new Set(seconds).size < seconds.length) return undefined;
      pages.sort((a, b) => a - b);
    }
    for (const page of pages) {
      encoder.add(hash, page);
      if (encoder.isFull) await flush();
    }
  }
  const totals = encoder.finish();
  await flush();
  return { ...totals, at: at! };
}

/** The entries of a run, one after the other. */
class RunReader {
  readonly #spill: HashSpill;
  readonly #end: number;
  #next: number;
  #piece = new DataView(new ArrayBuffer(0));
  #pos = 0;
  hash = 0;

  constructor({ at, size }: HashRun, spill: HashSpill) {
    this.#spill = spill;
    this.#next = at;
    this.#end = at + size;
  }

  get isAtEnd(): boolean {
    return this.#pos === this.#piece.byteLength;
  }

  get pageOffset(): number {
    return this.#piece.getUint32(this.#pos + 4);
  }

  get second(): number {
    return this.#piece.getUint32(this.#pos + 8);
  }

  /** Goes to the next entry. Returns false if it must be loaded. */
  next(): boolean {
    this.#pos += RUN_ENTRY_SIZE;
    if (this.isAtEnd) return false;
    this.hash = this.#piece.getUint32(this.#pos);
    return true;
  }

  /** Reads on, unless the run has ended. */
  async load(): Promise<void> {
    if (this.#next === this.#end) return;
    const end = Math.min(this.#next + PIECE, this.#end);
    const { buffer, byteOffset, byteLength } = await this.#spill.read(this.#next, end);
    this.#piece = new DataView(buffer as ArrayBuffer, byteOffset, byteLength);
    this.#next = end;
    this.#pos = 0;
    this.hash = this.#piece.getUint32(0);
  }
}

/** A binary heap: the lowest of some numbers comes first. */
class MergeOrder {
  readonly #heap: Float64Array;

  constructor(numbers: readonly number[]) {
    this.#heap = Float64Array.from(numbers).sort();
  }

  get first(): number {
    return this.#heap[0]!;
  }

  replaceFirst(number: number): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= number) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = number;
  }
}
