/** Settles as `promise` does, or rejects with the signal's reason as soon as that aborts. Leaves no listener behind. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/**
 * Runs `work` with a signal that follows `outer`, and that aborts whatever is left of the work once it has failed.
 * AbortSignal.any would do the first half, had it no leaks in the oldest supported Node.
 */
export async function withAbort<T>(
  outer: AbortSignal | undefined,
  work: (controller: AbortController) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const follow = (): void => controller.abort(outer?.reason);
  outer?.addEventListener("abort", follow);
  try {
    return await untilAborted(work(controller), controller.signal);
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    outer?.removeEventListener("abort", follow);
  }
}

/**
 * Runs `one` for each item at once; the first failure aborts the others and is passed on. Each has a signal of its own,
 * as Node warns of more than ten listeners on one.
 */
export function eachOrNone<I, T>(
  items: readonly I[],
  outer: AbortSignal | undefined,
  one: (item: I, signal: AbortSignal | undefined) => Promise<T>,
): Promise<T[]> {
  if (items.length < 2) return Promise.all(items.map((item) => one(item, outer)));
  return withAbort(outer, ({ signal }) => {
    const controllers = items.map(() => new AbortController());
    signal.addEventListener("abort", () => {
      for (const controller of controllers) controller.abort(signal.reason);
    });
    return Promise.all(items.map((item, i) => one(item, controllers[i]!.signal)));
  });
}

/** Waits, or rejects with the signal's reason at once when that aborts. Leaves no timer behind. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  const wait = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return untilAborted(wait, signal).finally(() => clearTimeout(timer));
}
