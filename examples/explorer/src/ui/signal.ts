/** Something that listeners hear of. */
export class Signal<T = void> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Calls `listener` from now on. @returns what ends that */
  listen(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}

/** Calls `work` once before the next frame is painted, however often it is asked to. */
export function beforeNextFrame(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
