import { type FileHandle, stat } from "node:fs/promises";

/** Identifies one state of a file. */
export interface FileState {
  /** Bytes. */
  readonly size: number;
  /** Size, modification time in nanoseconds, and inode. A write in place or a rename changes it. */
  readonly version: string;
  /** Permission bits. */
  readonly mode: number;
}

/** Returns the state of a file, by its path or open. Follows links. Rejects with the file system's own error. */
export async function fileState(file: string | FileHandle): Promise<FileState> {
  const { size, mtimeNs, ino, mode } = await (typeof file === "string"
    ? stat(file, { bigint: true })
    : file.stat({ bigint: true }));
  return { size: Number(size), version: `${size}-${mtimeNs}-${ino}`, mode: Number(mode) & 0o7777 };
}
