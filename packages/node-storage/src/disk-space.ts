import { statfs } from "node:fs/promises";
import { PeekpackError } from "@peekpack/core";

// Left to others on the disk: a machine whose disk is full to the last byte is in trouble.
const RESERVE = 16 * 2 ** 20;

/**
 * Checks that the disk of `directory` has room for `bytes` more.
 * @throws PeekpackError `quota` when it has not
 */
export async function checkDiskSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free - RESERVE < bytes) {
    throw new PeekpackError(
      "quota",
      `The disk of ${directory} has ${free} bytes free, and ${bytes} are needed.`,
      {
        section: "spool",
      },
    );
  }
}
