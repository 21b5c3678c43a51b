import { crc32 } from "../crc32.js";
import { HASH_BLOCK_ENTRIES, HASH_SAMPLE_BLOCKS } from "./page-index.js";

/** What a root block tells of the hash blocks. */
export interface HashTotals {
  /** Entries. */
  readonly count: number;
  /** The first hash of every 64th block. */
  readonly samples: Uint32Array;
}

/** The hash blocks of all maps, in memory. */
export interface HashBlocks extends HashTotals {
  /** The blocks, one after the other. */
  readonly bytes: Uint8Array;
}

/** The hash blocks of all maps, in a spill. */
export interface SpilledBlocks extends HashTotals {
  /** Offset of the first block in the spill. The others follow. */
  readonly at: number;
}

/** Encodes entries that are added in order. */
export class HashBlockEncoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #samples: number[] = [];
  readonly #tocSize: number;
  #count = 0;
  #pos = 0;

  /**
   * @param capacity length of the buffer in bytes: whole blocks, or those of all entries
   * @param tocSize length of the table in bytes
   */
  constructor(capacity: number, tocSize: number) {
    this.#tocSize = tocSize;
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Whether the buffer must be taken before the next `add`. */
  get isFull(): boolean {
    return this.#pos === this.#bytes.length;
  }

  add(hash: number, pageOffset: number): void {
    if (this.#count % (HASH_BLOCK_ENTRIES * HASH_SAMPLE_BLOCKS) === 0) this.#samples.push(hash);
    this.#view.setUint32(this.#pos, hash, true);
    this.#view.setUint32(this.#pos + 4, pageOffset, true);
    this.#pos += 8;
    if (++this.#count % HASH_BLOCK_ENTRIES === 0) this.#seal();
  }

  /** Takes the blocks from the buffer, as a view of it that is valid until the next `add`. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#pos);
    this.#pos = 0;
    return bytes;
  }

  /** Ends the last block. */
  finish(): HashTotals {
    if (this.#count % HASH_BLOCK_ENTRIES > 0) this.#seal();
    return { count: this.#count, samples: Uint32Array.from(this.#samples) };
  }

  /** Appends the checksum of the block. It starts from the table's length, so that a block of another archive does not fit. */
  #seal(): void {
    const entries = (((this.#count - 1) % HASH_BLOCK_ENTRIES) + 1) * 8;
    const block = this.#bytes.subarray(this.#pos - entries, this.#pos);
    this.#view.setUint32(this.#pos, 0);
    this.#view.setUint32(this.#pos + 4, crc32(block, this.#tocSize), true);
    this.#pos += 8;
  }
}
