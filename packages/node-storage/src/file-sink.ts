import { constants } from "node:fs";
import { link, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { HEADER_SIZE, PeekpackError } from "@peekpack/core";
import type { DisposableSink, PutMode } from "@peekpack/s3";
import { serialSink } from "@peekpack/s3/internal";
import { AppendFile, type SizeLimits } from "./append-file.js";
import { fileError, isErrno } from "./file-error.js";
import { fileState } from "./file-state.js";
import { fileTableSpill } from "./table-spill.js";
import { removeAbandonedFiles, temporaryPath } from "./temporary-file.js";

// Unit of copies.
const STEP_BYTES = 2 ** 20;

/** Options of {@link fileSink}. */
export interface FileSinkOptions extends SizeLimits {
  /**
   * What happens if the file exists: `overwrite` replaces it, `create` rejects with `exists`, `ifMatch` replaces only the
   * version that a `fileSource` or an earlier write reported. Default `overwrite`.
   */
  readonly put?: PutMode | undefined;
}

/**
 * Writes an archive to a file, whole or not at all: fills a temporary file in the same directory, syncs it to the disk, and
 * renames it. A crash leaves only the temporary file, which the next write to the same path removes. Follows symbolic links,
 * and keeps the permissions of a replaced file.
 *
 * A FIFO or device, such as `/dev/stdout`, is not replaced: the archive is copied into it at the end, and `put` must be
 * `overwrite`.
 *
 * `ifMatch` is checked a few microseconds before the rename: file systems have no compare-and-swap. `create` has no such
 * gap.
 * @throws TypeError if `put` is invalid
 */
export function fileSink(path: string | URL, options: FileSinkOptions = {}): DisposableSink {
  const given = typeof path === "string" ? path : fileURLToPath(path);
  const put = checkPutMode(options.put ?? "overwrite");
  let opening: Promise<OpenFile> | undefined;

  const begin = async (): Promise<OpenFile> => {
    if (await isStream(given)) {
      // Refuses `create` and `ifMatch`.
      await checkTarget(given, put);
      const copy = join(tmpdir(), basename(given));
      await removeAbandonedFiles(copy);
      const file = await AppendFile.create(await temporaryPath(copy), HEADER_SIZE, options);
      return { stream: true, target: given, file };
    }
    const target = await followLinks(given);
    // Refuses before the work; checked once more before the rename.
    await checkTarget(target, put);
    await removeAbandonedFiles(target);
    const file = await AppendFile.create(await temporaryPath(target), HEADER_SIZE, options);
    return { stream: false, target, file };
  };

  const open = (): Promise<OpenFile> => {
    opening ??= begin();
    return opening;
  };

  const cleanUp = async (): Promise<void> => {
    const opened = await opening?.catch(() => undefined);
    opening = undefined;
    await opened?.file.close().catch(() => {});
    if (opened !== undefined) await rm(opened.file.path, { force: true });
  };

  return serialSink({
    label: pathToFileURL(given).href,
    convertError: (error) => fileError(error, `write ${given}`, "sink"),
    write: async (chunk) => (await open()).file.append(chunk),
    spill: async () => fileTableSpill(`${(await open()).file.path}.table`),
    async finish(header) {
      const { file, target, stream } = await open();
      await file.flush();
      const size = file.size - HEADER_SIZE + header.length;
      if (header.length === HEADER_SIZE) await file.writeAt(0, header);
      else await moveBody(file, header);
      if (stream) {
        await copyInto(target, file, size);
        await cleanUp();
        return { size, location: pathToFileURL(target).href };
      }
      const old = await fileState(target).catch(() => undefined);
      await file.chmod(old?.mode ?? 0o666 & ~process.umask());
      await file.sync();
      await file.close();
      await publish(file.path, target, put);
      opening = undefined;
      await syncDirectory(dirname(target));
      const { version } = await fileState(target);
      return { size, version, location: pathToFileURL(target).href };
    },
    cleanUp,
  });
}

interface OpenFile {
  /** The temporary file. */
  readonly file: AppendFile;
  readonly target: string;
  /** Whether the target is a FIFO or device, which the archive is copied into. */
  readonly stream: boolean;
}

/** Whether a path is a FIFO or device. @throws PeekpackError `denied` if it is a directory or socket */
async function isStream(path: string): Promise<boolean> {
  // Follows links, also those of /proc, whose texts are no paths.
  const stats = await stat(path).catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  });
  if (stats === undefined || stats.isFile()) return false;
  if (stats.isFIFO() || stats.isCharacterDevice()) return true;
  throw new PeekpackError("denied", `${path} is neither a file nor a FIFO nor a character device.`, {
    section: "sink",
  });
}

/** Follows symbolic links, also to a file that does not exist yet. */
async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
  const text = await readlink(path).catch((error: unknown) => {
    if (isErrno(error, "EINVAL", "ENOENT")) return undefined;
    throw error;
  });
  return text === undefined ? path : followLinks(resolve(await realpath(dirname(path)), text));
}

/** Copies a finished archive into a FIFO or device. */
async function copyInto(target: string, file: AppendFile, size: number): Promise<void> {
  const handle = await open(target, constants.O_WRONLY);
  try {
    for (let at = 0; at < size; at += STEP_BYTES) {
      await handle.writeFile(await file.read(at, Math.min(at + STEP_BYTES, size)));
    }
  } finally {
    await handle.close();
  }
}

/** @throws TypeError if `put` is invalid */
function checkPutMode(put: PutMode): PutMode {
  const version = (put as { readonly ifMatch?: unknown } | null)?.ifMatch;
  if (put === "overwrite" || put === "create" || typeof version === "string") return put;
  throw new TypeError("put is 'overwrite', 'create' or { ifMatch: version }.");
}

/** @throws PeekpackError `exists` or `changed` if `put` forbids the write */
async function checkTarget(target: string, put: PutMode): Promise<void> {
  if (put === "overwrite") return;
  const current = await fileState(target).catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  });
  if (put === "create") {
    if (current !== undefined) throw alreadyExists(target);
  } else if (current?.version !== put.ifMatch) {
    throw new PeekpackError("changed", `${target} is not the version to replace.`, { section: "sink" });
  }
}

/** Gives the finished file its name. */
async function publish(temporary: string, target: string, put: PutMode): Promise<void> {
  if (put !== "create") {
    await checkTarget(target, put);
    await rename(temporary, target);
    return;
  }
  try {
    // Unlike rename, link never replaces.
    await link(temporary, target);
  } catch (error) {
    if (isErrno(error, "EEXIST")) throw alreadyExists(target);
    if (!isErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK")) throw error;
    // A file system without hard links: reserve the name first.
    await (await open(target, "wx")).close();
    await rename(temporary, target);
    return;
  }
  await rm(temporary);
}

function alreadyExists(target: string): PeekpackError {
  return new PeekpackError("exists", `${target} already exists.`, { section: "sink" });
}

/** Syncs a rename to the disk. Windows neither supports nor needs this. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems refuse to sync a directory.
    if (!isErrno(error, "EINVAL", "ENOTSUP", "EBADF", "EPERM")) throw error;
  } finally {
    await handle.close();
  }
}

/** Writes a header whose length differs from the reserved one: moves the body first. */
async function moveBody(file: AppendFile, header: Uint8Array): Promise<void> {
  const shift = header.length - HEADER_SIZE;
  const end = file.size;
  const offsets: number[] = [];
  for (let at = HEADER_SIZE; at < end; at += STEP_BYTES) offsets.push(at);
  // Toward the end, the last piece moves first, so that none is overwritten.
  if (shift > 0) offsets.reverse();
  for (const at of offsets)
    await file.writeAt(at + shift, await file.read(at, Math.min(at + STEP_BYTES, end)));
  await file.truncate(end + shift);
  await file.writeAt(0, header);
}
