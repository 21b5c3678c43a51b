import type { LazyList, ReadOptions } from "@peekpack/core";
import { TimeSlice } from "@peekpack/core/internal";
import { RangeSet } from "../archive/range-set.js";
import type { Part } from "./axis.js";
import { floats } from "./series.js";

/** Parts of a range that a sample reads, and numbers of each. */
const PARTS = 48;
const PART = 1024;
/** Numbers that are read at a time, when all are. */
const CHUNK = 65_536;

/**
 * The numbers of a list in an archive, of which some were read. A sample reads a few contiguous parts, evenly spread, so
 * that it costs the same whatever the length. Null is NaN.
 */
export class SampledNumbers {
  readonly length: number;
  readonly #list: LazyList;
  readonly #known = new RangeSet();
  /** What was read, in order, without overlaps. */
  readonly #chunks: Part[] = [];

  constructor(list: LazyList) {
    this.#list = list;
    this.length = list.length;
  }

  /** How many numbers were read. */
  get count(): number {
    return this.#known.bytes;
  }

  /** Whether all numbers of a range were read. */
  covers(from: number, to: number): boolean {
    return this.#known.bytesWithin({ start: from, end: to }) >= to - from;
  }

  /** The number at an index. Undefined if it was not read. */
  at(index: number): number | undefined {
    const { from, values } = this.#chunks[this.#firstFrom(index + 1) - 1] ?? {};
    return from === undefined ? undefined : values![index - from];
  }

  /** The parts of a range that were read, in order. Views. */
  *within(from: number, to: number): Generator<Part> {
    for (let i = Math.max(0, this.#firstFrom(from + 1) - 1); i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!;
      if (chunk.from >= to) return;
      const start = Math.max(0, from - chunk.from);
      const values = chunk.values.subarray(start, to - chunk.from);
      if (values.length > 0) yield { from: chunk.from + start, values };
    }
  }

  /** Reads evenly spread parts of a range; all of it if it is short. @returns whether anything was read */
  async sample(from: number, to: number, options: ReadOptions): Promise<boolean> {
    const length = to - from;
    const parts: [number, number][] = [];
    if (length <= PARTS * PART * 2) {
      parts.push([from, to]);
    } else {
      for (let i = 0; i < PARTS; i++) {
        // The first part begins with the range, and the last one ends with it.
        const start = from + Math.round((i * (length - PART)) / (PARTS - 1));
        parts.push([start, start + PART]);
      }
    }
    const missing = parts.flatMap(([start, end]) => this.#missing(start, end));
    // One batch, whose requests the scheduler sends together.
    await Promise.all(missing.map(([start, end]) => this.#read(start, end, options)));
    return missing.length > 0;
  }

  /** Reads all numbers, in slices between which the page stays responsive. */
  async readAll(options: ReadOptions, progress: (share: number) => void): Promise<void> {
    const slice = new TimeSlice();
    for (let at = 0; at < this.length; at += CHUNK) {
      for (const [start, end] of this.#missing(at, Math.min(this.length, at + CHUNK))) {
        await this.#read(start, end, options);
        await slice.next(options.signal);
      }
      progress(this.count / this.length);
    }
  }

  async #read(from: number, to: number, options: ReadOptions): Promise<void> {
    const values = floats((await this.#list.slice(from, to, options)) as number[]);
    // Another read may have brought some of it meanwhile.
    for (const [start, end] of this.#missing(from, to)) {
      this.#known.add({ start, end });
      this.#chunks.splice(this.#firstFrom(start), 0, {
        from: start,
        values: values.subarray(start - from, end - from),
      });
    }
  }

  /** The parts of a range that were not read. */
  #missing(from: number, to: number): [from: number, to: number][] {
    const missing: [number, number][] = [];
    let at = from;
    for (const { start, end } of this.#known.ranges) {
      if (end <= at) continue;
      if (start >= to) break;
      if (start > at) missing.push([at, start]);
      at = end;
    }
    if (at < to) missing.push([at, to]);
    return missing;
  }

  /** The index of the first chunk that begins at `index` or after it. */
  #firstFrom(index: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.from < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
