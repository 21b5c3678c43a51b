import { noRoom, stored } from "./storage-error.js";

/** The directory below the origin's root in which spools lie. @throws PeekpackError `denied` where OPFS is refused */
export function spoolDirectory(directory: string): Promise<FileSystemDirectoryHandle> {
  return stored("open the origin's private file system", async () => {
    const root = await navigator.storage.getDirectory();
    return root.getDirectoryHandle(directory, { create: true });
  });
}

/** The name of a part's file. */
export function partName(number: number): string {
  return `part-${number}`;
}

/** A part's file, made anew. */
export async function freshFile(
  directory: string,
  spool: string,
  name: string,
): Promise<FileSystemFileHandle> {
  const parts = await (await spoolDirectory(directory)).getDirectoryHandle(spool, { create: true });
  return parts.getFileHandle(name, { create: true });
}

/** Removes an entry. One that is gone is no error; one that a dying page still holds is tried again for a while. */
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

/** Whether this is a context that may open files for synchronous access: a dedicated worker. */
export function hasSyncAccess(): boolean {
  const handle = (globalThis as { FileSystemFileHandle?: { readonly prototype: object } })
    .FileSystemFileHandle;
  return handle !== undefined && "createSyncAccessHandle" in handle.prototype && !("document" in globalThis);
}

/** A file that is written through a sync access handle, in this worker. */
export interface SyncFile {
  append(bytes: Uint8Array): void;
  /** Brings everything to the disk, and closes the file. */
  seal(): void;
  close(): void;
}

/** What the library of types has for workers only (File System standard, FileSystemSyncAccessHandle). */
interface SyncAccessHandle {
  write(bytes: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** Opens a file for synchronous access, empty. Only in a dedicated worker. */
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
      // A full disk may show as fewer bytes written.
      const written = access.write(bytes as Uint8Array<ArrayBuffer>, { at });
      at += written;
      if (written < bytes.length)
        throw noRoom(`Only ${written} of ${bytes.length} bytes found room on the disk.`);
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
