/** How long a walk may keep the event loop waiting, in milliseconds. */
const SLICE_MS = 10;

/** Lets long work be aborted, and timers and input run in between. */
export class TimeSlice {
  readonly #signal: AbortSignal | undefined;
  #started = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /**
   * Called between steps of the work. Resolves in a later task if the slice is used up.
   * @throws the signal's reason after an abort
   */
  next(): undefined | Promise<void> {
    this.#signal?.throwIfAborted();
    if (performance.now() - this.#started < SLICE_MS) return undefined;
    return new Promise<void>((resolve) => setTimeout(resolve)).then(() => {
      this.#started = performance.now();
      this.#signal?.throwIfAborted();
    });
  }
}
