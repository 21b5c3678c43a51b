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

/**
 * Walks over pieces that are loaded one after the other, each before it is needed: while the items of one are handed out,
 * the next is on its way.
 */
export async function* ahead<P, T>(
  pieces: Iterable<P> | AsyncIterable<P>,
  load: (piece: P) => Promise<T[]>,
): AsyncGenerator<T> {
  const iterator =
    Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  const next = async (): Promise<T[] | undefined> => {
    const { value, done } = await iterator.next();
    return done ? undefined : load(value);
  };
  let loading = next();
  for (;;) {
    const items = await loading;
    if (items === undefined) return;
    loading = next();
    // It fails when its turn has come, not before.
    loading.catch(() => {});
    yield* items;
  }
}
