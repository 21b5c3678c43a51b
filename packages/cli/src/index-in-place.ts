import type { BigIntStats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import {
  type BuiltPageIndex,
  buildPageIndex,
  decodeHeader,
  HEADER_SIZE,
  PeekpackError,
} from "@peekpack/core";
import { fileSource } from "@peekpack/node-storage";

/** How the footer of a page index begins, and its length. See docs/page-index.md. */
const FOOTER_MAGIC = "PEEKPGIX";
const FOOTER_SIZE = 64;

/**
 * Writes the page index of an archive in a file right after its table. The archive itself is not changed, so that it can be
 * read whatever happens meanwhile: readers ignore an incomplete index.
 * @throws PeekpackError `unsupported-value` if other bytes follow the archive, or if it cannot be indexed; `changed` if the
 *   file changes meanwhile
 */
export async function indexInPlace(
  path: string,
  options: { readonly offset: number | undefined; readonly signal: AbortSignal | undefined },
): Promise<BuiltPageIndex> {
  const file = await open(path, "r+");
  try {
    const before = await file.stat({ bigint: true });
    const end = await archiveEnd(file, options.offset ?? 0, Number(before.size));
    await refuseOtherBytes(file, path, end, Number(before.size));
    const source = fileSource(path);
    const built = await buildPageIndex(source, options).finally(() => source.close?.());
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

/** The offset after the table of an archive. */
async function archiveEnd(file: FileHandle, offset: number, size: number): Promise<number> {
  const header = await readAt(file, offset, HEADER_SIZE);
  const { tocStart, tocSize } = decodeHeader(header, size - offset, offset);
  return offset + HEADER_SIZE + tocStart + tocSize;
}

/** @throws PeekpackError unless the bytes after an archive are a page index, or there are none */
async function refuseOtherBytes(file: FileHandle, path: string, end: number, size: number): Promise<void> {
  if (size === end) return;
  const footer = size - end < FOOTER_SIZE ? undefined : await readAt(file, size - FOOTER_SIZE, FOOTER_SIZE);
  if (footer?.toString("latin1", 0, FOOTER_MAGIC.length) === FOOTER_MAGIC) return;
  throw new PeekpackError(
    "unsupported-value",
    `${path} has ${size - end} other bytes after the archive: write the index to another file with --sidecar`,
  );
}

async function readAt(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(buffer, read, length - read, start + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return buffer.subarray(0, read);
}

async function writeAll(file: FileHandle, bytes: Uint8Array, start: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, start + at)).bytesWritten;
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}
