/** A queue that lets a limited number of tasks run at once. Share one between the sources of an origin. */
export interface RequestLimiter {
  /** How many tasks may run at once. */
  readonly concurrency: number;
  /** How many tasks run now. */
  readonly running: number;
  /** How many wait for their turn. */
  readonly waiting: number;
  /**
   * Runs `task` when its turn comes: the highest `priority` first, then the oldest. The priority is looked at when a turn
   * comes up, so that it may rise while the task waits. A task whose signal aborts while it waits is never started, and
   * rejects with the signal's reason at once.
   */
  run<T>(
    task: () => Promise<T>,
    options?: { readonly signal?: AbortSignal | undefined; readonly priority?: number | undefined },
  ): Promise<T>;
}

interface Waiting {
  readonly options: { readonly priority?: number | undefined };
  readonly start: () => void;
}

/**
 * Makes a {@link RequestLimiter}. Browsers open six connections per origin over HTTP/1.1.
 * @throws RangeError unless `concurrency` is a positive integer
 */
export function requestLimiter(concurrency: number): RequestLimiter {
  if (!(Number.isSafeInteger(concurrency) && concurrency > 0)) {
    throw new RangeError(`Not a number of concurrency requests: ${concurrency}.`);
  }
  /** The oldest first. */
  const queue: Waiting[] = [];
  let running = 0;
  const turn = (options: Waiting["options"], signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        queue.splice(queue.indexOf(entry), 1);
        reject(signal?.reason);
      };
      const entry: Waiting = {
        options,
        start() {
          signal?.removeEventListener("abort", leave);
          resolve();
        },
      };
      queue.push(entry);
      signal?.addEventListener("abort", leave, { once: true });
    });
  return {
    concurrency,
    get running() {
      return running;
    },
    get waiting() {
      return queue.length;
    },
    async run(task, options = {}) {
      const { signal } = options;
      signal?.throwIfAborted();
      if (running < concurrency) running++;
      else await turn(options, signal);
      try {
        return await task();
      } finally {
        let next = queue[0];
        for (const entry of queue) {
          if ((entry.options.priority ?? 0) > (next!.options.priority ?? 0)) next = entry;
        }
        // The place passes on without being free in between, so that no newcomer slips past the queue.
        if (next === undefined) {
          running--;
        } else {
          queue.splice(queue.indexOf(next), 1);
          next.start();
        }
      }
    },
  };
}
