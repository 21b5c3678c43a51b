import type { HashSpill } from "../format/page-index-hash-runs.js";
import type { Packer } from "./packer.js";
import { SPILL_BLOCK, type TableSpill } from "./table-spill.js";

/** Bytes of the table in the packer's buffer from which on they are spilled. */
const OVERFLOW = 1024 * 1024;

/** A head that belongs before bytes that were already spilled. */
interface Insertion {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/**
 * The table of contents while it is written: its end is in a packer's buffer, what is before that in a spill. Offsets count
 * the bytes that were appended, without insertions.
 */
export class TableStore {
  readonly packer: Packer;
  readonly #openSpill: () => TableSpill | Promise<TableSpill>;
  #spill: TableSpill | undefined;
  #spilled = 0;
  #insertions: Insertion[] = [];

  constructor(packer: Packer, openSpill: () => TableSpill | Promise<TableSpill>) {
    this.packer = packer;
    this.#openSpill = openSpill;
  }

  /** The offset of the next byte. */
  get offset(): number {
    return this.#spilled + this.packer.pos;
  }

  /** Length of the whole table in bytes. */
  get size(): number {
    return this.#insertions.reduce((size, { bytes }) => size + bytes.length, this.offset);
  }

  /** Drops what was appended from an offset on. */
  truncate(offset: number): void {
    if (this.#insertions.length > 0) this.#insertions = this.#insertions.filter(({ at }) => at < offset);
    this.#spilled = Math.min(this.#spilled, offset);
    this.packer.pos = offset - this.#spilled;
  }

  /** Cuts off the bytes from an offset on, which were appended since the last overflow. Returns a copy. */
  take(offset: number): Uint8Array {
    const { packer } = this;
    const bytes = packer.buf.slice(offset - this.#spilled, packer.pos);
    packer.pos = offset - this.#spilled;
    return bytes;
  }

  /** Inserts bytes at an offset. What is inserted there later comes before them. */
  insert(offset: number, bytes: Uint8Array): void {
    const { packer } = this;
    const at = offset - this.#spilled;
    if (at < 0) {
      this.#insertions.push({ at: offset, bytes });
      return;
    }
    packer.reserve(bytes.length);
    packer.buf.copyWithin(at + bytes.length, at, packer.pos);
    packer.buf.set(bytes, at);
    packer.pos += bytes.length;
  }

  /** Spills the buffer if it is full. Places in the buffer are then no longer valid. */
  async overflow(): Promise<void> {
    const { packer } = this;
    if (packer.pos < OVERFLOW) return;
    this.#spill ??= await this.#openSpill();
    await this.#spill.write(packer.buf.subarray(0, packer.pos), this.#spilled);
    this.#spilled += packer.pos;
    packer.pos = 0;
  }

  /** The space after the table in the spill. Undefined if there is no spill. Nothing may be appended to the table any more. */
  appendix(): HashSpill | undefined {
    const spill = this.#spill;
    if (spill === undefined) return undefined;
    let end = this.#spilled;
    return {
      async append(bytes) {
        const at = end;
        await spill.write(bytes, at);
        end += bytes.length;
        return at;
      },
      read: (start, stop) => spill.read(start, stop),
    };
  }

  /** Hands over the whole table, in order. */
  async drain(write: (chunk: Uint8Array) => Promise<void>): Promise<void> {
    // Of those at one offset the last is the outermost node's, and comes first.
    const insertions = this.#insertions.reverse().sort((a, b) => a.at - b.at);
    let next = 0;
    for (let at = 0; at < this.#spilled; ) {
      for (; insertions[next]?.at === at; next++) await write(insertions[next]!.bytes);
      const block = (Math.floor(at / SPILL_BLOCK) + 1) * SPILL_BLOCK;
      const end = Math.min(block, this.#spilled, insertions[next]?.at ?? block);
      await write(await this.#spill!.read(at, end));
      at = end;
    }
    if (this.packer.pos > 0) await write(this.packer.buf.subarray(0, this.packer.pos));
  }

  /** Removes the spill. Idempotent. */
  async close(): Promise<void> {
    const spill = this.#spill;
    this.#spill = undefined;
    await spill?.close();
  }
}
