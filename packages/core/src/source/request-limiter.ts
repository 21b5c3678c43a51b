/** A queue that lets a limited number of tasks run at once. Share one between the sources of an origin. */
export interface RequestLimiter {
  /** How many tasks may run at once. */
  readonly parallel: number;
  /** How many tasks run now. */
  readonly running: number;
  /** How many wait for their turn. */
  readonly waiting: number;
  /**
   * Runs `task` when its turn comes: the highest `priority` first, then the oldest. A task whose signal aborts while it
   * waits is never started, and rejects with the signal's reason at once.
   */
  run<T>(
    task: () => Promise<T>,
    options?: { signal?: AbortSignal | undefined; priority?: number | undefined },
  ): Promise<T>;
}

interface Waiting {
  readonly priority: number;
  readonly start: () => void;
}

/**
 * Makes a {@link RequestLimiter}. Browsers open six connections per origin over HTTP/1.1.
 * @throws RangeError unless `parallel` is a positive integer
 */
export function requestLimiter(parallel: number): RequestLimiter {
  if (!(Number.isSafeInteger(parallel) && parallel > 0)) {
    throw new RangeError(`Not a number of parallel requests: ${parallel}.`);
  }
  /** Ordered by priority, then by age. */
  const queue: Waiting[] = [];
  let running = 0;
  const turn = (signal: AbortSignal | undefined, priority: number): Promise<void> | undefined => {
    signal?.throwIfAborted();
    if (running < parallel) {
      running++;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        queue.splice(queue.indexOf(entry), 1);
        reject(signal?.reason);
      };
      const entry: Waiting = {
        priority,
        start() {
          signal?.removeEventListener("abort", leave);
          resolve();
        },
      };
      let at = queue.length;
      while (at > 0 && queue[at - 1]!.priority < priority) at--;
      queue.splice(at, 0, entry);
      signal?.addEventListener("abort", leave, { once: true });
    });
  };
  return {
    parallel,
    get running() {
      return running;
    },
    get waiting() {
      return queue.length;
    },
    async run(task, { signal, priority = 0 } = {}) {
      await turn(signal, priority);
      try {
        return await task();
      } finally {
        const next = queue.shift();
        // The place passes on without being free in between, so that no newcomer slips past the queue.
        if (next === undefined) running--;
        else next.start();
      }
    },
  };
}
