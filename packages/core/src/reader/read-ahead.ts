import { TimeSlice } from "./event-loop.js";

/** After so many items other work may run. */
const STEP = 1024;

/**
 * Loads pieces one after the other, each before it is needed: while the items of one are handed out, the next is on its
 * way. Leaving the loop early aborts the load under way.
 * @param load gets a signal that aborts with `signal`, and when the loop ends
 */
export async function* readAhead<P, T>(
  pieces: Iterable<P> | AsyncIterable<P>,
  load: (piece: P, signal: AbortSignal) => Promise<T[]>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, undefined> {
  const iterator =
    Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  const controller = new AbortController();
  const slice = new TimeSlice();
  const abort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const next = async (): Promise<T[] | undefined> => {
    await slice.next(signal);
    const { value, done } = await iterator.next();
    return done ? undefined : load(value, controller.signal);
  };
  let loading: Promise<T[] | undefined> | undefined = next();
  try {
    for (;;) {
      const items = await loading;
      loading = undefined;
      if (items === undefined) return undefined;
      loading = next();
      // A failure is reported when the piece is needed, not before.
      loading.catch(() => {});
      for (let i = 0; i < items.length; i++) {
        yield items[i]!;
        if ((i + 1) % STEP === 0) await slice.next(signal);
      }
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    if (loading !== undefined) {
      controller.abort(new DOMException("The walk has ended.", "AbortError"));
      // The pieces may still be in use by the load; they are released after it.
      await loading.catch(() => {});
    }
    await iterator.return?.();
  }
}
