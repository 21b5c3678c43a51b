import { quotaError, withStorageErrors } from "./storage-error.js";

/** The directory of spools, below the root of the origin. @throws PeekpackError `denied` if the browser refuses OPFS */
export function spoolDirectory(directory: string): Promise<FileSystemDirectoryHandle> {
  return withStorageErrors("open the origin's private file system", async () => {
    const root = await navigator.storage.getDirectory();
    return root.getDirectoryHandle(directory, { create: true });
  });
}

/** Names of files of parts. */
export const PART_NAME: RegExp = /^part-\d+$/;

/** Name of the file of a part. */
export function partName(number: number): string {
  return `part-${number}`;
}

/** Creates the file of a part, or opens it. */
export async function partFile(
  directory: string,
  spool: string,
  name: string,
): Promise<FileSystemFileHandle> {
  const parts = await (await spoolDirectory(directory)).getDirectoryHandle(spool, { create: true });
  return parts.getFileHandle(name, { create: true });
}

/** Removes an entry, if it exists. Retries for a while if a page that is closing still has it open. */
export async function removeEntry(from: FileSystemDirectoryHandle, name: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await from.removeEntry(name, { recursive: true });
      return;
    } catch (error) {
      const reason = (error as Error).name;
      if (reason === "NotFoundError") return;
      if (tries === 20 || !/^(NoModificationAllowed|InvalidModification)Error$/.test(reason)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 * (tries + 1)));
    }
  }
}

/** Whether this context can open files for synchronous access: only dedicated workers can. */
export function hasSyncAccess(): boolean {
  const handle = (globalThis as { FileSystemFileHandle?: { readonly prototype: object } })
    .FileSystemFileHandle;
  return handle !== undefined && "createSyncAccessHandle" in handle.prototype && !("document" in globalThis);
}

/** A file that this worker writes through a sync access handle. */
export interface SyncFile {
  append(bytes: Uint8Array): void;
  /** Flushes to the disk, and closes the file. */
  seal(): void;
  close(): void;
}

/** FileSystemSyncAccessHandle of the File System standard, which TypeScript declares for workers only. */
interface SyncAccessHandle {
  write(bytes: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** Opens a file for synchronous access and truncates it. Only in dedicated workers. */
export async function openSyncFile(file: FileSystemFileHandle): Promise<SyncFile> {
  const access = await (
    file as unknown as { createSyncAccessHandle(): Promise<SyncAccessHandle> }
  ).createSyncAccessHandle();
  let at = 0;
  try {
    access.truncate(0);
  } catch (error) {
    access.close();
    throw error;
  }
  return {
    append(bytes) {
      // On a full disk, fewer bytes may be written without an error.
      const written = access.write(bytes as Uint8Array<ArrayBuffer>, { at });
      at += written;
      if (written < bytes.length)
        throw quotaError(`The disk had room for only ${written} of ${bytes.length} bytes.`);
    },
    seal() {
      try {
        access.flush();
      } finally {
        access.close();
      }
    },
    close: () => access.close(),
  };
}
