/**
 * Items that arrive while they are walked over: `for await (const item of sequence)` fetches ahead and holds a window of
 * them, `await sequence` (or `toArray()`) gives them all as an array. Every loop starts afresh.
 */
export class Sequence<T> implements AsyncIterable<T>, PromiseLike<T[]> {
  readonly #start: () => AsyncIterator<T>;

  constructor(start: () => AsyncIterator<T>) {
    this.#start = start;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.#start();
  }

  /** Everything, in order. */
  async toArray(): Promise<T[]> {
    const all: T[] = [];
    for await (const item of this) all.push(item);
    return all;
  }

  // biome-ignore lint/suspicious/noThenProperty: to be awaited is what it is for
  then<A = T[], B = never>(
    onFulfilled?: ((all: T[]) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.toArray().then(onFulfilled, onRejected);
  }
}
