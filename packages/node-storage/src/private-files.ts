import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, stat } from "node:fs/promises";
import { PeekpackError } from "@peekpack/core";

// Absent on Windows, which has neither owners nor modes of this kind.
const NO_FOLLOW: number = constants.O_NOFOLLOW ?? 0;
const OTHERS_CAN_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Checks that other users can neither replace nor add to what this user has in a directory. In a sticky directory, such as the
 * system's temporary one, they can add entries: check their owners.
 * @throws PeekpackError `denied`
 */
export async function checkDirectory(path: string): Promise<void> {
  const link = await lstat(path);
  const target = link.isSymbolicLink() ? await stat(path) : link;
  if (!target.isDirectory()) throw denied(path, "it is not a directory");
  for (const { uid } of [link, target]) {
    if (!isOwn(uid) && uid !== 0) throw denied(path, "it belongs to another user");
  }
  if (othersCanWrite(target) && (target.mode & STICKY) === 0)
    throw denied(path, "other users can write to it");
}

/** Why a directory is not private to this user; undefined if it is. Does not follow links. */
export async function privateDirectoryProblem(path: string): Promise<string | undefined> {
  const stats = await lstat(path);
  if (!stats.isDirectory()) return "it is not a directory";
  return ownershipProblem(stats);
}

/**
 * Opens a file that must be regular and private to this user. Does not follow links, and checks the open file.
 * @throws PeekpackError `denied`
 */
export async function openPrivate(path: string, flags: number, mode?: number): Promise<FileHandle> {
  // O_NONBLOCK: opening a planted FIFO must not block.
  const handle = await open(path, flags | NO_FOLLOW | (constants.O_NONBLOCK ?? 0), mode).catch(
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ELOOP") throw denied(path, "it is a symbolic link");
      throw error;
    },
  );
  try {
    const stats = await handle.stat();
    const problem = stats.isFile() ? ownershipProblem(stats) : "it is not a regular file";
    if (problem !== undefined) throw denied(path, problem);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Reads a private text file. @throws PeekpackError `denied` */
export async function readPrivateText(path: string): Promise<string> {
  const handle = await openPrivate(path, constants.O_RDONLY);
  try {
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

function ownershipProblem(stats: Stats): string | undefined {
  if (!isOwn(stats.uid)) return "it belongs to another user";
  return othersCanWrite(stats) ? "other users can write to it" : undefined;
}

/** Whether this user owns a file. */
function isOwn(uid: number): boolean {
  return process.getuid === undefined || uid === process.getuid();
}

function othersCanWrite({ mode }: Stats): boolean {
  return process.getuid !== undefined && (mode & OTHERS_CAN_WRITE) !== 0;
}

function denied(path: string, reason: string): PeekpackError {
  return new PeekpackError("denied", `${path} cannot be used for spools: ${reason}.`, { section: "spool" });
}
