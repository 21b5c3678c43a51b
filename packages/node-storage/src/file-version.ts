import { stat } from "node:fs/promises";

/** What tells one state of a file from another. */
export interface FileState {
  /** Bytes. */
  readonly size: number;
  /** Size, time of the last change in nanoseconds and inode: what a rename or a write in place changes. */
  readonly version: string;
  /** Permission bits. */
  readonly mode: number;
}

/** Looks at a file. Rejects with the file system's own error. */
export async function fileState(path: string): Promise<FileState> {
  const { size, mtimeNs, ino, mode } = await stat(path, { bigint: true });
  return { size: Number(size), version: `${size}-${mtimeNs}-${ino}`, mode: Number(mode) & 0o7777 };
}
