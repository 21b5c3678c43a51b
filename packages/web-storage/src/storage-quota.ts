import { quotaError } from "./storage-error.js";

/** Storage of this origin in bytes. */
export interface StorageQuota {
  /** Bytes in use, as the browser estimates. */
  readonly used: number;
  /** Maximum number of bytes. */
  readonly quota: number;
  /** Bytes that are free. */
  readonly free: number;
  /** Whether the browser has promised not to evict the origin's data when the disk is full. */
  readonly persisted: boolean;
}

/** Returns the browser's estimate of this origin's storage. Undefined if the browser gives none. */
export async function storageQuota(): Promise<StorageQuota | undefined> {
  const storage = storageManager();
  if (storage?.estimate === undefined) return undefined;
  try {
    const [{ usage = 0, quota }, persisted] = await Promise.all([
      storage.estimate(),
      storage.persisted?.() ?? false,
    ]);
    if (quota === undefined) return undefined;
    return { used: usage, quota, free: Math.max(0, quota - usage), persisted };
  } catch {
    return undefined;
  }
}

/**
 * Asks the browser not to evict this origin's data when the disk is full. Some browsers ask the user: call it from a click.
 * Eviction removes everything of the origin, spools and caches.
 * @returns whether the browser has promised it
 */
export async function persistStorage(): Promise<boolean> {
  try {
    return (await storageManager()?.persist?.()) ?? false;
  } catch {
    return false;
  }
}

/** Checks that the origin has room for `bytes` more, if the browser tells. @throws PeekpackError `quota` */
export async function checkQuota(bytes: number): Promise<void> {
  const estimate = await storageQuota();
  if (estimate !== undefined && estimate.free < bytes) {
    throw quotaError(
      `There is no room for ${bytes} more bytes: the browser allows this origin ${estimate.quota}, and ${estimate.used} are in use.`,
    );
  }
}

function storageManager(): Partial<StorageManager> | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.storage;
}
