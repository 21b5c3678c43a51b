import { noRoom } from "./storage-error.js";

/** What the browser lets this origin keep. Bytes. */
export interface StorageRoom {
  /** What the origin keeps now, as far as the browser says. */
  readonly used: number;
  /** The most that it may keep. */
  readonly quota: number;
  /** What is left. */
  readonly free: number;
  /** Whether the browser has promised not to evict the origin's data when the disk runs full. */
  readonly persisted: boolean;
}

/** Asks what room this origin has; undefined where the browser does not say. */
export async function storageRoom(): Promise<StorageRoom | undefined> {
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
 * Asks the browser not to evict this origin's data when the disk runs full. Browsers decide by themselves or ask the
 * person; best called from a click. Evicting takes the whole origin, spools and caches alike.
 * @returns whether it is promised now
 */
export async function persistStorage(): Promise<boolean> {
  try {
    return (await storageManager()?.persist?.()) ?? false;
  } catch {
    return false;
  }
}

/** Checks that there is room for so many more bytes, as far as the browser says. @throws PeekpackError `quota` */
export async function ensureRoom(bytes: number): Promise<void> {
  const room = await storageRoom();
  if (room !== undefined && room.free < bytes) {
    throw noRoom(
      `There is no room for ${bytes} bytes more: the browser lets this origin keep ${room.quota}, and it keeps ${room.used}.`,
    );
  }
}

function storageManager(): Partial<StorageManager> | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.storage;
}
