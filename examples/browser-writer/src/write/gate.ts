/** Makes callers wait while it is closed. */
export class Gate {
  #opened: Promise<void> | undefined;
  #open: () => void = () => {};

  get shut(): boolean {
    return this.#opened !== undefined;
  }

  close(): void {
    this.#opened ??= new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#opened = undefined;
    this.#open();
  }

  /** Resolves when the gate is open. Rejects with the signal's reason after an abort. */
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#opened !== undefined) {
      signal.throwIfAborted();
      let leave = (): void => {};
      const left = new Promise<never>((_, reject) => {
        leave = () => reject(signal.reason);
        signal.addEventListener("abort", leave);
      });
      await Promise.race([this.#opened, left]).finally(() => signal.removeEventListener("abort", leave));
    }
    signal.throwIfAborted();
  }
}
