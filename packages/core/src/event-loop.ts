/** How long a call may keep the event loop waiting, in milliseconds. */
const SLICE_MS = 10;

/** Lets long work be aborted, and timers and input run in between. */
export class TimeSlice {
  #started = performance.now();
  #pause: Promise<void> | undefined;

  /**
   * Called between steps of the work, also by several at once. Resolves in a later task if the slice is used up.
   * @throws the signal's reason after an abort
   */
  next(signal: AbortSignal | undefined): undefined | Promise<void> {
    signal?.throwIfAborted();
    if (performance.now() - this.#started < SLICE_MS) return undefined;
    this.#pause ??= new Promise<void>((resolve) => setTimeout(resolve)).then(() => {
      this.#pause = undefined;
      this.#started = performance.now();
    });
    // Those that waited together may use up the next slice as well.
    return this.#pause.then(() => this.next(signal));
  }
}
