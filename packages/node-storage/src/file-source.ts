import { type FileHandle, open } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ByteRange, PeekpackError, type RangeSource } from "@peekpack/core";
import { checkRanges } from "@peekpack/core/internal";
import { withFileErrors } from "./file-error.js";
import { type FileState, fileState } from "./file-version.js";

// A handle that nobody reads from is closed soon, so that a source nobody closes holds none for long.
const IDLE_MS = 1000;
// Largest piece that one read of the system takes.
const LONGEST_READ = 2 ** 30;

/**
 * Reads a file by position. The version is made of size, time of the last change and inode; once it has been seen, a file
 * that was written to or replaced rejects with `changed`.
 * @throws PeekpackError from its reads: `not-found`, `denied`, `truncated`, `changed`, `closed`
 */
export function fileSource(path: string | URL): RangeSource {
  const file = typeof path === "string" ? path : fileURLToPath(path);
  const label = pathToFileURL(file).href;
  const doing = `read ${file}`;
  let held: { readonly size?: number | undefined; readonly version?: string | undefined } = {};
  let closed = false;
  let handle: Promise<FileHandle> | undefined;
  let readers = 0;
  let idle: NodeJS.Timeout | undefined;

  const release = async (): Promise<void> => {
    clearTimeout(idle);
    const closing = handle;
    handle = undefined;
    await (await closing?.catch(() => undefined))?.close();
  };
  const changed = (): PeekpackError =>
    new PeekpackError("changed", `${file} is no longer the file first seen.`, { section: "source" });

  /** Looks at the file and holds it to what was seen before. */
  const look = async (): Promise<FileState> => {
    const state = await fileState(file);
    if ((held.version ?? state.version) !== state.version || (held.size ?? state.size) !== state.size) {
      // What is open is the old file.
      if (readers === 1) await release();
      throw changed();
    }
    held = state;
    return state;
  };

  /** Reads one range of a file whose size is known to reach so far. */
  const readRange = async (from: FileHandle, { start, end }: ByteRange): Promise<Uint8Array> => {
    const bytes = new Uint8Array(end - start);
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(bytes.length - at, LONGEST_READ);
      const { bytesRead } = await from.read(bytes, at, length, start + at);
      if (bytesRead === 0) throw changed();
      at += bytesRead;
    }
    return bytes;
  };

  const read = <T>(
    signal: AbortSignal | undefined,
    work: (from: FileHandle, state: FileState) => Promise<T>,
  ): Promise<T> =>
    withFileErrors(doing, "source", async () => {
      signal?.throwIfAborted();
      if (closed) throw new PeekpackError("closed", `${file}: this source is closed.`, { section: "source" });
      clearTimeout(idle);
      readers++;
      try {
        const before = await look();
        handle ??= open(file, "r").catch((error: unknown) => {
          handle = undefined;
          throw error;
        });
        const result = await work(await handle, before);
        // Looked at again: what was read meanwhile may be of two states.
        await look();
        signal?.throwIfAborted();
        return result;
      } finally {
        readers--;
        if (readers === 0) {
          if (closed) await release();
          else idle = setTimeout(release, IDLE_MS).unref();
        }
      }
    });

  return {
    label,
    local: true,
    probe(want, { signal } = {}) {
      return read(signal, async (from, { size, version }) => {
        const [head, tail] = await Promise.all([
          readRange(from, { start: 0, end: Math.min(want.head, size) }),
          readRange(from, { start: Math.max(0, size - want.tail), end: size }),
        ]);
        return { size, version, head, tail };
      });
    },
    async read(ranges, { signal } = {}) {
      checkRanges(label, ranges);
      return read(signal, async (from, { size }) => {
        checkRanges(label, ranges, size);
        return Promise.all(ranges.map((range) => readRange(from, range)));
      });
    },
    reopen: () => fileSource(file),
    pin({ size, version }) {
      if (
        (held.size ?? size) !== (size ?? held.size) ||
        (held.version ?? version) !== (version ?? held.version)
      ) {
        throw changed();
      }
      held = { size: size ?? held.size, version: version ?? held.version };
    },
    async close() {
      closed = true;
      if (readers === 0) await release();
    },
  };
}
