import { statfs } from "node:fs/promises";
import { PeekpackError } from "@peekpack/core";

// Left free for other programs: a completely full disk breaks the machine.
const RESERVED_BYTES = 16 * 2 ** 20;

/**
 * Checks that the disk of `directory` has room for `bytes` more.
 * @throws PeekpackError `quota` if it has not
 */
export async function checkDiskSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free - RESERVED_BYTES < bytes) {
    throw new PeekpackError(
      "quota",
      `The disk of ${directory} has ${free} bytes free, and ${bytes} are needed.`,
      {
        section: "spool",
      },
    );
  }
}
