import type { ByteRange } from "@peekpack/core";

/** A set of bytes: ordered ranges that neither touch nor overlap. */
export class RangeSet {
  readonly #ranges: ByteRange[] = [];
  #bytes = 0;

  /** How many bytes are in the set. */
  get bytes(): number {
    return this.#bytes;
  }

  get ranges(): readonly ByteRange[] {
    return this.#ranges;
  }

  add({ start, end }: ByteRange): void {
    if (end <= start) return;
    const first = this.#firstEndingAtOrAfter(start);
    let last = first;
    let from = start;
    let to = end;
    while (last < this.#ranges.length && this.#ranges[last]!.start <= end) {
      const range = this.#ranges[last++]!;
      from = Math.min(from, range.start);
      to = Math.max(to, range.end);
      this.#bytes -= range.end - range.start;
    }
    this.#ranges.splice(first, last - first, { start: from, end: to });
    this.#bytes += to - from;
  }

  /** How many bytes of a range are in the set. */
  bytesWithin({ start, end }: ByteRange): number {
    let bytes = 0;
    for (let i = this.#firstEndingAtOrAfter(start); i < this.#ranges.length; i++) {
      const range = this.#ranges[i]!;
      if (range.start >= end) break;
      bytes += Math.max(0, Math.min(range.end, end) - Math.max(range.start, start));
    }
    return bytes;
  }

  #firstEndingAtOrAfter(offset: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.end >= offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
