import { constants } from "node:fs";
import { lstat } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { PeekpackError } from "@peekpack/core";

/**
 * The default directory of spools: one of this user below the system's temporary directory. It may not survive a reboot;
 * name another directory where spools must.
 */
export function defaultSpoolDirectory(): string {
  return join(tmpdir(), `peekpack-spool-${userInfo().username.replace(/[^\w.-]/g, "_")}`);
}

/** @throws PeekpackError `denied` unless `directory` belongs to this user and only this user can write to it */
export async function checkPrivate(directory: string): Promise<void> {
  if (process.getuid === undefined) return;
  const { uid, mode } = await lstat(directory);
  const isDirectory = (mode & constants.S_IFMT) === constants.S_IFDIR;
  if (!isDirectory || uid !== process.getuid() || (mode & 0o022) !== 0) {
    throw new PeekpackError("denied", `Other users can write to ${directory}: it cannot hold spools.`, {
      section: "spool",
    });
  }
}
