import "fake-indexeddb/auto";

/** Controls of the fake browser. */
export interface FakeBrowser {
  /** Whether it is online. A change emits an event. */
  online: boolean;
  /** Result of `navigator.storage.estimate`; undefined for an empty one. */
  estimate: { usage: number; quota: number } | undefined;
  /** Releases all locks, as if their page had ended. */
  dropLocks(): void;
}

/**
 * Defines the browser features that spools need in Node: IndexedDB, Web Locks, a storage estimate and online events. There is
 * no origin private file system, as in some private windows.
 */
export function fakeBrowser(): FakeBrowser {
  const held = new Set<string>();
  const events = new EventTarget();
  let online = true;
  const browser: FakeBrowser = {
    estimate: undefined,
    get online() {
      return online;
    },
    set online(now) {
      online = now;
      events.dispatchEvent(new Event(now ? "online" : "offline"));
    },
    dropLocks: () => held.clear(),
  };
  const navigator = {
    get onLine() {
      return online;
    },
    storage: {
      estimate: async () => browser.estimate ?? {},
      persisted: async () => false,
      persist: async () => true,
      getDirectory: () => Promise.reject(new DOMException("refused", "SecurityError")),
    },
    locks: {
      async request(name: string, _: object, work: (lock: object | null) => unknown) {
        if (held.has(name)) return work(null);
        held.add(name);
        try {
          return await work({ name });
        } finally {
          held.delete(name);
        }
      },
      query: async () => ({ held: [...held].map((name) => ({ name })) }),
    },
  };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  for (const name of ["addEventListener", "removeEventListener"] as const) {
    Object.defineProperty(globalThis, name, { value: events[name].bind(events), configurable: true });
  }
  return browser;
}
