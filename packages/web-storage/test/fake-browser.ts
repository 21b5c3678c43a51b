import "fake-indexeddb/auto";

/** What a fake browser does beyond what a real one does by itself. */
export interface FakeBrowser {
  /** Whether it is online. Changing it tells the page. */
  online: boolean;
  /** What `navigator.storage.estimate` gives; undefined where the browser does not say. */
  estimate: { usage: number; quota: number } | undefined;
  /** Takes the locks of a page that has died. */
  dropLocks(): void;
}

/**
 * Gives Node what a page has, as far as spools need it: IndexedDB, Web Locks, an estimate of storage and a line that can
 * break. No origin private file system: as in some private windows.
 */
export function fakeBrowser(): FakeBrowser {
  const held = new Set<string>();
  const events = new EventTarget();
  let line = true;
  const browser: FakeBrowser = {
    estimate: undefined,
    get online() {
      return line;
    },
    set online(now) {
      line = now;
      events.dispatchEvent(new Event(now ? "online" : "offline"));
    },
    dropLocks: () => held.clear(),
  };
  const navigator = {
    get onLine() {
      return line;
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
