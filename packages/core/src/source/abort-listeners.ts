/**
 * Calls many callbacks when signals abort, with one listener on each signal. Node warns of more than ten listeners on a
 * signal, so code that serves many callers uses this. A signal without callbacks has no listener.
 */
export class AbortListeners {
  readonly #entries = new Map<
    AbortSignal,
    { readonly callbacks: Set<() => void>; readonly listener: () => void }
  >();

  /** Registers a callback. It is not called if the signal has aborted already. */
  add(signal: AbortSignal, callback: () => void): void {
    let entry = this.#entries.get(signal);
    if (!entry) {
      const callbacks = new Set<() => void>();
      const listener = (): void => {
        for (const callback of callbacks) callback();
      };
      entry = { callbacks, listener };
      this.#entries.set(signal, entry);
      signal.addEventListener("abort", listener);
    }
    entry.callbacks.add(callback);
  }

  /** Removes a callback. */
  delete(signal: AbortSignal, callback: () => void): void {
    const entry = this.#entries.get(signal);
    if (entry?.callbacks.delete(callback) && entry.callbacks.size === 0) {
      signal.removeEventListener("abort", entry.listener);
      this.#entries.delete(signal);
    }
  }

  /** Settles like `promise`, but rejects with the signal's reason as soon as the signal aborts. */
  untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (!signal) return promise;
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => {
        this.delete(signal, abort);
        reject(signal.reason);
      };
      this.add(signal, abort);
      if (signal.aborted) abort();
      promise.then(resolve, reject).finally(() => this.delete(signal, abort));
    });
  }

  /**
   * Runs `work` with a controller of its own, which aborts when `outer` does or when the work fails. Rejects as soon as the
   * controller aborts. AbortSignal.any leaks memory in Node 20.
   */
  async withAbort<T>(
    outer: AbortSignal | undefined,
    work: (controller: AbortController) => Promise<T>,
  ): Promise<T> {
    outer?.throwIfAborted();
    const controller = new AbortController();
    const follow = (): void => controller.abort(outer?.reason);
    if (outer) this.add(outer, follow);
    try {
      return await this.untilAborted(work(controller), controller.signal);
    } catch (error) {
      controller.abort(error);
      throw error;
    } finally {
      if (outer) this.delete(outer, follow);
    }
  }

  /** Runs `task` for all items at once. The first failure aborts the other tasks and is thrown. */
  allOrNone<I, T>(
    items: readonly I[],
    outer: AbortSignal | undefined,
    task: (item: I, signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T[]> {
    if (items.length < 2) return Promise.all(items.map((item) => task(item, outer)));
    return this.withAbort(outer, ({ signal }) => {
      const controllers = items.map(() => new AbortController());
      signal.addEventListener("abort", () => {
        for (const controller of controllers) controller.abort(signal.reason);
      });
      return Promise.all(items.map((item, i) => task(item, controllers[i]!.signal)));
    });
  }

  /** Waits, or rejects with the signal's reason as soon as the signal aborts. Clears its timer. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    let timer: ReturnType<typeof setTimeout>;
    const wait = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    return this.untilAborted(wait, signal).finally(() => clearTimeout(timer));
  }
}
