import { checkCounts } from "../counts.js";
import type { BlockList, Branch } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { ArchiveReader } from "./archive-reader.js";
import type { BlockWindow } from "./blocks.js";
import { type Entry, type EntryRange, nodeOf } from "./entry.js";

/** About so many bytes are read at once while a container is walked. */
const WINDOW_BYTES = 1024 * 1024;

/** Options of `keys`: a page of them. */
export interface KeysOptions extends ReadOptions {
  /** How many keys to leave out at the beginning. Default 0. With a page index, they are not read. */
  readonly start?: number | undefined;
  /** Maximum number of keys. Default: all. */
  readonly limit?: number | undefined;
}

/** The entries whose keys are wanted. @throws RangeError if `start` or `limit` is negative or not an integer */
export function keyRange({ start = 0, limit = Number.MAX_SAFE_INTEGER }: KeysOptions = {}): {
  readonly start: number;
  readonly end: number;
} {
  checkCounts({ start, limit });
  return { start, end: start + limit };
}

/** Entries of a container in windows whose values are read at once: by count, and by bytes. */
export async function* entryWindows(
  archive: ArchiveReader,
  node: Branch,
  range?: EntryRange,
  options?: ReadOptions,
): AsyncGenerator<Entry[]> {
  for await (const entries of archive.table.walk(node, range, options)) {
    let window: Entry[] = [];
    let bytes = 0;
    for (const entry of entries) {
      window.push(entry);
      const child = nodeOf(entry);
      if (child.kind === "value") bytes += child.span.end - child.span.start;
      if (bytes >= WINDOW_BYTES) {
        yield window;
        window = [];
        bytes = 0;
      }
    }
    if (window.length > 0) yield window;
  }
}

/** Blocks of a list in windows that are read at once. */
export async function* blockWindows(
  archive: ArchiveReader,
  node: BlockList,
  options?: ReadOptions,
): AsyncGenerator<BlockWindow> {
  const maxBytes = Math.min(WINDOW_BYTES, archive.context.limits.maxValueBytes);
  for await (const blocks of archive.table.walkBlocks(node, options)) {
    const { bounds } = blocks;
    for (let first = 0; first < bounds.length - 1; ) {
      let last = first + 1;
      while (last < bounds.length - 1 && bounds[last + 1]! - bounds[first]! <= maxBytes) last++;
      yield { blocks, first, last };
      first = last;
    }
  }
}
