/**
 * Items that arrive while they are walked over. `for await (const item of sequence)` prefetches, and holds a window of
 * items; `toArray()` collects all of them. Every loop starts anew.
 */
export class Sequence<T> implements AsyncIterable<T> {
  readonly #start: () => AsyncIterator<T>;

  constructor(start: () => AsyncIterator<T>) {
    this.#start = start;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.#start();
  }

  /** All items, in order. */
  async toArray(): Promise<T[]> {
    const all: T[] = [];
    for await (const item of this) all.push(item);
    return all;
  }
}
