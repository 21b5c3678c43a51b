/** Long work is done in slices of this many milliseconds. */
const SLICE_MS = 24;

/** Divides long work into slices, between which the browser paints and handles input. */
export class Slices {
  readonly #signal: AbortSignal | undefined;
  #begun: number = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /**
   * Waits for the browser if the current slice has lasted long enough.
   * @throws the signal's reason
   */
  async pause(): Promise<void> {
    if (performance.now() - this.#begun < SLICE_MS) return;
    // A nested timeout waits for 4 ms. A message does not.
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    });
    this.#signal?.throwIfAborted();
    this.#begun = performance.now();
  }
}
