/** Faults of a browser that this page can simulate. */
export interface Faults {
  /** Resolves when the page has reached the point where it is to stop. */
  readonly reached: Promise<void>;
  /** Writes the head of a spool in this state and never commits it, as if the page ended then. */
  stopAtCommitOf(state: string): void;
  /** Simulates a policy or an old browser without module workers. */
  refuseWorkers(): void;
  /** Simulates a private window without OPFS. */
  refuseOpfs(): void;
  /** Sets the free bytes of the storage estimate. */
  setFreeBytes(free: number): void;
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
        const { text } = args[0] as { text?: string };
        if (text !== undefined && JSON.parse(text).state === state) {
          // A transaction commits when it has no pending request.
          const keepOpen = (): void => {
            this.get("nothing").onsuccess = keepOpen;
          };
          keepOpen();
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
    setFreeBytes(free) {
      StorageManager.prototype.estimate = async () => ({ usage: 0, quota: free });
    },
  };
}

export const faults: Faults = makeFaults();
