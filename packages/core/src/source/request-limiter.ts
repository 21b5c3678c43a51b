import { AbortListeners } from "./abort-listeners.js";

/** A queue that runs a limited number of tasks at once. Share one between the sources of an origin. */
export interface RequestLimiter {
  /** Maximum number of tasks that run at once. */
  readonly concurrency: number;
  /** Number of tasks that run now. */
  readonly running: number;
  /** Number of tasks in the queue. */
  readonly waiting: number;
  /**
   * Runs `task` when a slot is free: the highest `priority` first, then the oldest. The priority is read each time a slot becomes
   * free, so it may rise while the task waits. If the signal aborts while the task waits, the task never starts, and the result
   * rejects with the signal's reason at once.
   */
  run<T>(
    task: () => Promise<T>,
    options?: { readonly signal?: AbortSignal | undefined; readonly priority?: number | undefined },
  ): Promise<T>;
}

interface QueuedTask {
  readonly options: { readonly priority?: number | undefined };
  readonly start: () => void;
}

/**
 * Makes a {@link RequestLimiter}. Browsers open six connections per origin over HTTP/1.1.
 * @throws RangeError if `concurrency` is not a positive integer
 */
export function requestLimiter(concurrency: number): RequestLimiter {
  if (!(Number.isSafeInteger(concurrency) && concurrency > 0)) {
    throw new RangeError(`concurrency must be a positive integer: ${concurrency}.`);
  }
  /** The oldest first. */
  const queue: QueuedTask[] = [];
  const listeners = new AbortListeners();
  let running = 0;
  const slot = (options: QueuedTask["options"], signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        queue.splice(queue.indexOf(entry), 1);
        if (signal) listeners.delete(signal, abort);
        reject(signal?.reason);
      };
      const entry: QueuedTask = {
        options,
        start() {
          if (signal) listeners.delete(signal, abort);
          resolve();
        },
      };
      queue.push(entry);
      if (signal) listeners.add(signal, abort);
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
      else await slot(options, signal);
      try {
        return await task();
      } finally {
        let next: QueuedTask | undefined;
        let highest = Number.NEGATIVE_INFINITY;
        for (const entry of queue) {
          const { priority = 0 } = entry.options;
          if (next !== undefined && priority <= highest) continue;
          next = entry;
          highest = priority;
        }
        // The slot is handed over without becoming free, so that no new task overtakes the queue.
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
