/** What a browser may do to a page, done to this one. */
export interface Faults {
  /** Resolves when the page has come to where it was to be stopped. */
  readonly reached: Promise<void>;
  /** A spool's head in this state is written, and never committed: as if the page had died at that moment. */
  stopAtCommitOf(state: string): void;
  /** As where a policy or an old browser has no module workers. */
  refuseWorkers(): void;
  /** As in some private windows. */
  refuseOpfs(): void;
  /** What the browser says that there is room for, in bytes. */
  sayRoom(free: number): void;
}

function makeFaults(): Faults {
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return {
    reached,
    stopAtCommitOf(state) {
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (...args) {
        const request = put.apply(this, args);
        if ((args[0] as { state?: string }).state === state) {
          // A transaction ends when nothing more is asked of it.
          const spin = (): void => {
            this.get("nothing").onsuccess = spin;
          };
          spin();
          reach();
        }
        return request;
      };
    },
    refuseWorkers() {
      globalThis.Worker = class {
        constructor() {
          throw new DOMException("refused", "SecurityError");
        }
      } as unknown as typeof Worker;
    },
    refuseOpfs() {
      StorageManager.prototype.getDirectory = () =>
        Promise.reject(new DOMException("refused", "SecurityError"));
    },
    sayRoom(free) {
      StorageManager.prototype.estimate = async () => ({ usage: 0, quota: free });
    },
  };
}

export const faults: Faults = makeFaults();
