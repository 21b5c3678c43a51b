import { PeekpackError } from "@peekpack/core";

/** A lock that is held until it is released, or until the page or worker that holds it is gone. */
export interface HeldLock {
  release(): void;
}

/** The name of the lock of one spool. Whoever works on the spool holds it, so that its being free tells a dead one. */
export function spoolLockName(directory: string, id: string): string {
  return `peekpack-spool/${directory}/${id}`;
}

/**
 * Takes a lock, if no other page or worker holds it.
 * @throws PeekpackError `denied` where the browser has no Web Locks: outside a secure context
 */
export function takeLock(name: string): Promise<HeldLock | undefined> {
  return new Promise((resolve, reject) => {
    lockManager()
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) return resolve(undefined);
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch(reject);
  });
}

/** The names of all locks of this origin that are held now. */
export async function heldLocks(): Promise<ReadonlySet<string>> {
  const { held = [] } = await lockManager().query();
  return new Set(held.flatMap(({ name }) => name ?? []));
}

function lockManager(): LockManager {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  if (locks === undefined) {
    throw new PeekpackError(
      "denied",
      "Spools need Web Locks, which browsers have only in secure contexts: https or localhost.",
      { section: "spool" },
    );
  }
  return locks;
}
