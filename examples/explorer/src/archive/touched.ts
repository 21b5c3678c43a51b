/** A half-open range of bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A set of bytes, as ranges in order that neither touch nor overlap. */
export class Touched {
  readonly #spans: Span[] = [];
  #bytes = 0;

  /** How many bytes are in the set. */
  get bytes(): number {
    return this.#bytes;
  }

  get spans(): readonly Span[] {
    return this.#spans;
  }

  add({ start, end }: Span): void {
    if (end <= start) return;
    const first = this.#firstEndingAtOrAfter(start);
    let last = first;
    let from = start;
    let to = end;
    while (last < this.#spans.length && this.#spans[last]!.start <= end) {
      const span = this.#spans[last++]!;
      from = Math.min(from, span.start);
      to = Math.max(to, span.end);
      this.#bytes -= span.end - span.start;
    }
    this.#spans.splice(first, last - first, { start: from, end: to });
    this.#bytes += to - from;
  }

  /** How many bytes of a range are in the set. */
  within({ start, end }: Span): number {
    let bytes = 0;
    for (let i = this.#firstEndingAtOrAfter(start); i < this.#spans.length; i++) {
      const span = this.#spans[i]!;
      if (span.start >= end) break;
      bytes += Math.max(0, Math.min(span.end, end) - Math.max(span.start, start));
    }
    return bytes;
  }

  #firstEndingAtOrAfter(place: number): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#spans[middle]!.end >= place) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
