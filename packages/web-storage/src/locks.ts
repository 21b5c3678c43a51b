import { PeekpackError } from "@peekpack/core";

/** A held lock. The browser releases it when the page or worker ends. */
export interface HeldLock {
  release(): void;
}

/** Name of the lock of a spool. Its user holds the lock: a spool whose lock is free has no living user. */
export function spoolLockName(directory: string, id: string): string {
  return `peekpack-spool/${directory}/${id}`;
}

/**
 * Acquires a lock. Undefined if another page or worker holds it.
 * @throws PeekpackError `denied` if the browser has no Web Locks, as outside a secure context
 */
export function acquireLock(name: string): Promise<HeldLock | undefined> {
  return new Promise((resolve, reject) => {
    lockManager()
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) return resolve(undefined);
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch(reject);
  });
}

/** The error for a spool whose lock another page or worker holds. */
export function spoolConflict(): PeekpackError {
  return new PeekpackError("conflict", "Another page or worker uses this spool.", { section: "spool" });
}

/** The names of all locks of this origin that are held. */
export async function heldLocks(): Promise<ReadonlySet<string>> {
  const { held = [] } = await lockManager().query();
  return new Set(held.flatMap(({ name }) => name ?? []));
}

function lockManager(): LockManager {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  if (locks === undefined) {
    throw new PeekpackError(
      "denied",
      "Spools need Web Locks, which exist only in secure contexts: https or localhost.",
      { section: "spool" },
    );
  }
  return locks;
}
