import { AbortListeners } from "@peekpack/core/internal";

/** Concurrent requests that write by default. */
export const DEFAULT_CONCURRENCY = 4;

/** Concurrent requests that read short ranges by default. */
export const READ_CONCURRENCY = 32;

/** Returns `concurrency`, or the default. @throws RangeError unless it is a positive integer */
export function checkConcurrency(concurrency: number = DEFAULT_CONCURRENCY): number {
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new RangeError("concurrency is a positive integer.");
  }
  return concurrency;
}

/**
 * Calls `task` for each item, in order, at most `concurrency` at a time. The first failure aborts the other tasks; this
 * rejects when all of them have ended.
 * @throws what the first failed task threw, or the signal's reason
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  concurrency: number,
  outer: AbortSignal | undefined,
  task: (item: T, index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const follow = (): void => controller.abort(outer?.reason);
  outer?.addEventListener("abort", follow);
  if (outer?.aborted) follow();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && !signal.aborted) {
      const index = next++;
      await task(items[index]!, index, signal);
    }
  };
  try {
    await Promise.all(
      Array.from({ length: Math.min(concurrency, items.length) }, () =>
        worker().catch((error: unknown) => controller.abort(error)),
      ),
    );
    if (signal.aborted) throw signal.reason;
  } finally {
    outer?.removeEventListener("abort", follow);
  }
}

/**
 * Maps items in order. While a task waits, further items are taken, and at most `concurrency` tasks run at once. The first failure
 * aborts the other tasks, and rejects at once.
 * @throws what the first failed task or the iteration threw, or the signal's reason
 */
export function mapConcurrently<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  concurrency: number,
  outer: AbortSignal | undefined,
  task: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const listeners = new AbortListeners();
  return listeners.withAbort(outer, async (controller) => {
    const { signal } = controller;
    const results: R[] = [];
    const running = new Set<Promise<void>>();
    let count = 0;
    for await (const item of items) {
      signal.throwIfAborted();
      const index = count++;
      const run = listeners
        .withAbort(signal, (inner) => task(item, inner.signal))
        .then(
          (result) => {
            results[index] = result;
          },
          (error: unknown) => controller.abort(error),
        )
        .finally(() => running.delete(run));
      running.add(run);
      if (running.size >= concurrency) await Promise.race(running);
    }
    await Promise.all(running);
    signal.throwIfAborted();
    return results;
  });
}
