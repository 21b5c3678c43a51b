/** Who waits under which signal: one listener for each signal, however many wait, and none for who has left. */
export interface Departures {
  /** Has `leave` called when the signal aborts. */
  add(signal: AbortSignal, leave: () => void): void;
  /** Takes `leave` back. */
  delete(signal: AbortSignal, leave: () => void): void;
}

/** Makes {@link Departures}. */
export function departures(): Departures {
  const all = new Map<AbortSignal, { readonly waiting: Set<() => void>; readonly listener: () => void }>();
  return {
    add(signal, leave) {
      let entry = all.get(signal);
      if (!entry) {
        const waiting = new Set<() => void>();
        const listener = (): void => {
          for (const one of waiting) one();
        };
        entry = { waiting, listener };
        all.set(signal, entry);
        signal.addEventListener("abort", listener);
      }
      entry.waiting.add(leave);
    },
    delete(signal, leave) {
      const entry = all.get(signal);
      if (entry?.waiting.delete(leave) && entry.waiting.size === 0) {
        signal.removeEventListener("abort", entry.listener);
        all.delete(signal);
      }
    },
  };
}
