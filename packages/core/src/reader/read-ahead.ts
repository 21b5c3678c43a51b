import { TimeSlice } from "../event-loop.js";

/** After so many items other work may run. */
const STEP = 1024;

/**
 * Loads pieces in order, each before it is needed: while the items of one are handed out, the next ones are on their way.
 * Leaving the loop early aborts the loads under way.
 * @param load gets a signal that aborts with `signal`, and when the loop ends
 * @param depth how many pieces are loaded in advance, once the first one has arrived
 */
export async function* readAhead<P, T>(
  pieces: Iterable<P> | AsyncIterable<P>,
  load: (piece: P, signal: AbortSignal) => Promise<T[]>,
  signal: AbortSignal | undefined,
  depth = 1,
): AsyncGenerator<T, undefined> {
  const controller = new AbortController();
  const slice = new TimeSlice();
  const abort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const walk = (async function* () {
    // Pieces may come of another walk, and so on: all of them would start on one stack.
    await undefined;
    for await (const piece of pieces) {
      await slice.next(signal);
      yield piece;
    }
  })();
  const loading: Promise<T[] | undefined>[] = [];
  const begin = (): void => {
    const items = walk.next().then(({ value, done }) => (done ? undefined : load(value, controller.signal)));
    // A failure is reported when the piece is needed, not before.
    items.catch(() => {});
    loading.push(items);
  };
  try {
    begin();
    for (;;) {
      const items = await loading[0];
      loading.shift();
      if (!items) return undefined;
      while (loading.length < depth) begin();
      for (let i = 0; i < items.length; i++) {
        yield items[i]!;
        if ((i + 1) % STEP === 0) await slice.next(signal);
      }
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    controller.abort();
    // The pieces may still be in use by the loads; they are released after them.
    await Promise.allSettled(loading);
    await walk.return(undefined);
  }
}
