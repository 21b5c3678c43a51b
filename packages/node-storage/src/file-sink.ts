import { randomBytes } from "node:crypto";
import { link, open, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ArchiveSink, PeekpackError } from "@peekpack/core";
import { isErrno, withFileErrors } from "./file-error.js";
import { fileState } from "./file-version.js";
import { GrowingFile, type GrowthLimits } from "./growing-file.js";
import { fileTableSpill } from "./table-spill.js";

/**
 * How a file that is already there is treated: `overwrite` replaces it, `create` refuses to, and `ifMatch` replaces only
 * the version that a `fileSource` has told.
 */
export type FilePutMode = "overwrite" | "create" | { readonly ifMatch: string };

/** How a file is written. */
export interface FileSinkOptions extends GrowthLimits {
  /** Default `overwrite`. */
  readonly put?: FilePutMode | undefined;
}

// Magic and both fields of the header: what the front of the file is left for. See the format's container layout.
const HEADER_ROOM = 50;

/**
 * Writes an archive to a file that appears whole or not at all: a temporary file beside it is filled, brought to the disk and
 * renamed. A crash leaves at most that file, named '.NAME.RANDOM.tmp'. A symbolic link is followed, and the permissions of
 * a file that is replaced are kept.
 *
 * Between the check of `ifMatch` and the rename a few microseconds pass in which another writer may slip through: file
 * systems have no compare-and-swap. `create` has no such gap.
 * @throws TypeError when the put mode is none
 */
export function fileSink(path: string | URL, options: FileSinkOptions = {}): ArchiveSink {
  const given = typeof path === "string" ? path : fileURLToPath(path);
  const put = checkFilePut(options.put ?? "overwrite");
  const doing = `write ${given}`;
  let opening: Promise<{ readonly file: GrowingFile; readonly place: string }> | undefined;
  let state: "open" | "finished" | "aborted" = "open";
  let last: Promise<unknown> = Promise.resolve();

  const begin = async (): Promise<{ readonly file: GrowingFile; readonly place: string }> => {
    const place = await realpath(given).catch((error: unknown) => {
      if (isErrno(error, "ENOENT")) return given;
      throw error;
    });
    // What is refused in any case is refused before the work, not behind it.
    await checkTarget(place, put);
    const temporary = join(dirname(place), `.${basename(place)}.${randomBytes(6).toString("hex")}.tmp`);
    return { place, file: await GrowingFile.create(temporary, HEADER_ROOM, options) };
  };
  const discard = async (): Promise<void> => {
    const opened = await opening?.catch(() => undefined);
    opening = undefined;
    await opened?.file.close().catch(() => {});
    if (opened !== undefined) await rm(opened.file.path, { force: true });
  };
  /** One call after the other; a failed one gives up the whole. */
  const step = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(async () => {
      if (state !== "open")
        throw new PeekpackError("closed", `${given}: this sink is closed.`, { section: "sink" });
      try {
        return await withFileErrors(doing, "sink", work);
      } catch (error) {
        state = "aborted";
        await discard().catch(() => {});
        throw error;
      }
    });
    last = result.catch(() => {});
    return result;
  };

  return {
    label: pathToFileURL(given).href,
    write: (chunk) =>
      step(async () => {
        opening ??= begin();
        await (await opening).file.append(chunk);
      }),
    spill: () =>
      step(async () => {
        opening ??= begin();
        return fileTableSpill(`${(await opening).file.path}.table`);
      }),
    finish: (header) =>
      step(async () => {
        opening ??= begin();
        const { file, place } = await opening;
        await file.flush();
        const size = file.size - HEADER_ROOM + header.length;
        if (header.length === HEADER_ROOM) await file.patch(header);
        else await moveBody(file, header);
        const old = await fileState(place).catch(() => undefined);
        await file.chmod(old?.mode ?? 0o666 & ~process.umask());
        await file.sync();
        await file.close();
        await appear(file.path, place, put);
        opening = undefined;
        state = "finished";
        await syncDirectory(dirname(place));
        const { version } = await fileState(place);
        return { size, version, location: pathToFileURL(place).href };
      }),
    async abort() {
      if (state === "open") state = "aborted";
      await last;
      await discard();
    },
  };
}

/** @throws TypeError when it is no put mode */
function checkFilePut(put: FilePutMode): FilePutMode {
  const version = (put as { readonly ifMatch?: unknown } | null)?.ifMatch;
  if (put === "overwrite" || put === "create" || typeof version === "string") return put;
  throw new TypeError("put is 'overwrite', 'create' or { ifMatch: version }.");
}

/** @throws PeekpackError `exists` or `changed` when what is there is not to be replaced */
async function checkTarget(place: string, put: FilePutMode): Promise<void> {
  if (put === "overwrite") return;
  const there = await fileState(place).catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  });
  if (put === "create") {
    if (there !== undefined)
      throw new PeekpackError("exists", `${place} is already there.`, { section: "sink" });
  } else if (there?.version !== put.ifMatch) {
    throw new PeekpackError("changed", `${place} is not the version to replace.`, { section: "sink" });
  }
}

/** Gives the finished file its name. */
async function appear(temporary: string, place: string, put: FilePutMode): Promise<void> {
  if (put !== "create") {
    await checkTarget(place, put);
    await rename(temporary, place);
    return;
  }
  try {
    // A link, unlike a rename, refuses to replace.
    await link(temporary, place);
  } catch (error) {
    if (isErrno(error, "EEXIST"))
      throw new PeekpackError("exists", `${place} is already there.`, { section: "sink" });
    if (!isErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK")) throw error;
    // No hard links here: reserve the name, then fill it.
    await (await open(place, "wx")).close();
    await rename(temporary, place);
    return;
  }
  await rm(temporary);
}

/** Brings a renaming to the disk. Windows has no way to, and needs none. */
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

/** Moves everything behind a header of another length than was left room for: back to front, so that nothing is lost. */
async function moveBody(file: GrowingFile, header: Uint8Array): Promise<void> {
  const step = 2 ** 20;
  const shift = header.length - HEADER_ROOM;
  const end = file.size;
  const pieces: number[] = [];
  for (let at = HEADER_ROOM; at < end; at += step) pieces.push(at);
  if (shift > 0) pieces.reverse();
  for (const at of pieces) await file.patch(await file.read(at, Math.min(at + step, end)), at + shift);
  await file.truncate(end + shift);
  await file.patch(header);
}
