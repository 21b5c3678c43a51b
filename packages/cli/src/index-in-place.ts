import type { BigIntStats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { type BuiltPageIndex, buildPageIndex, PeekpackError } from "@peekpack/core";
import { fileSource } from "@peekpack/node-storage";
import { type ArchivePlace, archiveEnd } from "./archive-end.js";

/**
 * Writes the page index of an archive in a file right after its table. The archive itself is not changed, so that it can be
 * read whatever happens meanwhile: readers ignore an incomplete index.
 * @throws PeekpackError `unsupported-value` if other bytes follow the archive, or if it cannot be indexed; `changed` if the
 *   file changes meanwhile
 */
export async function indexInPlace(path: string, options: ArchivePlace): Promise<BuiltPageIndex> {
  const file = await open(path, "r+");
  try {
    const before = await file.stat({ bigint: true });
    const source = fileSource(path);
    const { end, built } = await archiveEnd(source, path, options)
      .then(async (found) => ({ end: found.end, built: await buildPageIndex(source, options) }))
      .finally(() => source.close());
    options.signal?.throwIfAborted();
    const now = await Promise.all([file.stat({ bigint: true }), stat(path, { bigint: true })]);
    if (!now.every((state) => isSame(state, before))) {
      throw new PeekpackError("changed", `${path} has changed meanwhile`);
    }
    // The end of an old index goes first: it could seem to belong to the new one.
    await file.truncate(end);
    await writeAll(file, built.bytes, end);
    await file.sync();
    return built;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, start: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, start + at)).bytesWritten;
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}
