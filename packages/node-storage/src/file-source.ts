import { type FileHandle, open } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ByteRange, type ClosableSource, PeekpackError } from "@peekpack/core";
import { checkRanges, disposable } from "@peekpack/core/internal";
import { withFileErrors } from "./file-error.js";
import { type FileState, fileState } from "./file-state.js";

// An idle handle is closed soon, so that a source that is never closed keeps no file open.
const IDLE_MS = 1000;
// A process may have a few hundred files open; thousands of archives are combined at once.
const MAX_IDLE = 64;
/** Closes the idle handles of all sources, the longest idle first. */
const idleHandles = new Set<() => Promise<void>>();
// Maximum length of one system call.
const MAX_READ_BYTES = 2 ** 30;

/**
 * Reads a file by position. The first read pins the version: size, modification time and inode. If the file is written to or
 * replaced later, reads reject with `changed`.
 * @throws PeekpackError from its reads: `not-found`, `denied`, `truncated`, `changed`, `closed`
 */
export function fileSource(path: string | URL): ClosableSource {
  const file = typeof path === "string" ? path : fileURLToPath(path);
  const label = pathToFileURL(file).href;
  const action = `read ${file}`;
  let pinned: { readonly size?: number | undefined; readonly version?: string | undefined } = {};
  let closed = false;
  let handle: Promise<FileHandle> | undefined;
  let readers = 0;
  let idleTimer: NodeJS.Timeout | undefined;

  const closeHandle = async (): Promise<void> => {
    clearTimeout(idleTimer);
    idleHandles.delete(closeHandle);
    const closing = handle;
    handle = undefined;
    await (await closing?.catch(() => undefined))?.close();
  };
  /** Keeps the handle for a read that follows soon. */
  const rest = async (): Promise<void> => {
    idleTimer = setTimeout(closeHandle, IDLE_MS).unref();
    idleHandles.add(closeHandle);
    const [longest] = idleHandles;
    if (idleHandles.size > MAX_IDLE) await longest!();
  };
  const changed = (): PeekpackError =>
    new PeekpackError("changed", `${file} changed since it was first read.`, { section: "source" });

  /** Returns the state of a file, and pins it. */
  const checkState = async (of: string | FileHandle): Promise<FileState> => {
    const state = await fileState(of);
    if ((pinned.version ?? state.version) !== state.version || (pinned.size ?? state.size) !== state.size) {
      // The open handle belongs to the old file.
      if (readers === 1) await closeHandle();
      throw changed();
    }
    pinned = state;
    return state;
  };

  /** Reads a range that lies within the file. */
  const readRange = async (from: FileHandle, { start, end }: ByteRange): Promise<Uint8Array> => {
    const bytes = new Uint8Array(end - start);
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(bytes.length - at, MAX_READ_BYTES);
      const { bytesRead } = await from.read(bytes, at, length, start + at);
      if (bytesRead === 0) throw changed();
      at += bytesRead;
    }
    return bytes;
  };

  const withHandle = <T>(
    signal: AbortSignal | undefined,
    work: (from: FileHandle, state: FileState) => Promise<T>,
  ): Promise<T> =>
    withFileErrors(action, "source", async () => {
      signal?.throwIfAborted();
      if (closed) throw new PeekpackError("closed", `${file}: this source is closed.`, { section: "source" });
      clearTimeout(idleTimer);
      idleHandles.delete(closeHandle);
      readers++;
      try {
        // The path of an open file may lead to another one by now.
        let before = handle && (await checkState(file));
        handle ??= open(file, "r").catch((error: unknown) => {
          handle = undefined;
          throw error;
        });
        const from = await handle;
        before ??= await checkState(from);
        const result = await work(from, before);
        // A write during the read could have mixed two versions.
        await checkState(from);
        signal?.throwIfAborted();
        return result;
      } finally {
        readers--;
        if (readers === 0) {
          if (closed) await closeHandle();
          else await rest();
        }
      }
    });

  return disposable<ClosableSource>({
    label,
    local: true,
    probe(want, { signal } = {}) {
      return withHandle(signal, async (from, { size, version }) => {
        const [head, tail] = await Promise.all([
          readRange(from, { start: 0, end: Math.min(want.head, size) }),
          readRange(from, { start: Math.max(0, size - want.tail), end: size }),
        ]);
        return { size, version, head, tail };
      });
    },
    async read(ranges, { signal } = {}) {
      checkRanges(label, ranges);
      return withHandle(signal, async (from, { size }) => {
        checkRanges(label, ranges, size);
        return Promise.all(ranges.map((range) => readRange(from, range)));
      });
    },
    reopen: () => fileSource(file),
    pin({ size, version }) {
      if (
        (pinned.size ?? size) !== (size ?? pinned.size) ||
        (pinned.version ?? version) !== (version ?? pinned.version)
      ) {
        throw changed();
      }
      pinned = { size: size ?? pinned.size, version: version ?? pinned.version };
    },
    async close() {
      closed = true;
      if (readers === 0) await closeHandle();
    },
  });
}
