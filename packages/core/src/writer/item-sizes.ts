/** Sizes that are kept before a list is given up as one of trivial items. */
const MAX_SIZES = 1024 * 1024;

/** The sizes of a list's trivial items in order: only their count while all are equal, else a byte for each. */
export class ItemSizes {
  #count = 0;
  #first = 0;
  #sizes: Uint8Array | undefined;

  get count(): number {
    return this.#count;
  }

  /** Adds a size. Returns false if it cannot be kept. */
  add(size: number): boolean {
    if (this.#count === 0) this.#first = size;
    if (this.#sizes === undefined && size !== this.#first) {
      if (this.#count >= MAX_SIZES || this.#first > 255) return false;
      this.#sizes = new Uint8Array(Math.min(MAX_SIZES, Math.max(64, this.#count * 2))).fill(
        this.#first,
        0,
        this.#count,
      );
    }
    if (this.#sizes !== undefined) {
      if (this.#count === MAX_SIZES || size > 255) return false;
      if (this.#count === this.#sizes.length) {
        const wide = new Uint8Array(Math.min(MAX_SIZES, this.#count * 2));
        wide.set(this.#sizes);
        this.#sizes = wide;
      }
      this.#sizes[this.#count] = size;
    }
    this.#count++;
    return true;
  }

  at(index: number): number {
    return this.#sizes?.[index] ?? this.#first;
  }
}
