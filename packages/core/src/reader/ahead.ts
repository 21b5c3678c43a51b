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
