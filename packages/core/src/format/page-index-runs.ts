import { crc32 } from "../crc32.js";
import type { OpenNode } from "./page-index-open-node.js";

/** Cuts the entries of large nodes into pages, and computes the checksums of the bytes that it passes. */
export class PageRuns {
  /** The bytes that offsets count in, and the table offset of the first one. */
  buffer: Uint8Array;
  base = 0;
  /** CRC-32 of the bytes of the page so far, and where these end. */
  #crc = 0;
  #crcEnd = 0;
  /** The run of entries that is open: its table offset or −1, its first entry or item, and the position where that begins. */
  #run = -1;
  #first = 0;
  #position = 0;

  constructor(buffer: Uint8Array) {
    this.buffer = buffer;
  }

  get isOpen(): boolean {
    return this.#run >= 0;
  }

  /** Table offset of the open run. −1 if there is none. */
  get start(): number {
    return this.#run;
  }

  /** Length of the open run, if it ends at an offset. */
  lengthTo(end: number): number {
    return this.base + end - this.#run;
  }

  /** Begins a run at an offset. */
  begin(start: number, first: number, position: number): void {
    this.#run = this.base + start;
    this.#first = first;
    this.#position = position;
  }

  /** Makes a page of the run that is open, if there is one. It ends at an offset. */
  end({ pages }: OpenNode, end: number): void {
    if (this.#run < 0) return;
    pages.push({
      offset: this.#run,
      hash: 0,
      first: this.#first,
      start: this.#position,
      size: this.lengthTo(end),
      large: false,
      crc: this.checksumTo(end),
    });
    this.#run = -1;
  }

  /** The checksum of the bytes up to an offset since the last page or {@link restart}. The next one starts there. */
  checksumTo(end: number): number {
    this.#advance(end);
    const crc = this.#crc;
    this.#crc = 0;
    return crc;
  }

  /** Lets the next checksum start at an offset. */
  restart(at: number): void {
    this.#crc = 0;
    this.#crcEnd = at;
  }

  /** The bytes before an offset are about to be dropped from the buffer. */
  drop(count: number): void {
    this.#advance(count);
    this.#crcEnd -= count;
    this.base += count;
  }

  #advance(end: number): void {
    if (end > this.#crcEnd) this.#crc = crc32(this.buffer.subarray(this.#crcEnd, end), this.#crc);
    this.#crcEnd = end;
  }
}
