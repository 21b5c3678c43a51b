import { type ByteRange, PeekpackError } from "@peekpack/core";
import { ByteLru } from "@peekpack/core/internal";
import {
  decodeDirectory,
  directorySize,
  hasDirectory,
  isTableHead,
  PAGE_FRAMES,
  type TableExtent,
  type TablePages,
  tableDamaged,
} from "./seek-table.js";
import { uint32 } from "./uint32.js";

/** One frame: where it is in the file, and where its content is in the whole content. */
export interface Frame {
  readonly compressed: ByteRange;
  readonly content: ByteRange;
  /** The low half of XXH64 of the content, if the table has checksums. */
  readonly checksum: number | undefined;
}

/** Reads bytes of the compressed file. */
export type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

/** Frames that follow each other. The offsets have one more element, for the end. */
interface Page {
  readonly compressed: Float64Array;
  readonly content: Float64Array;
  readonly checksums: Uint32Array | undefined;
}

/** Memory for pages of long tables: 200 pages, for 13 GB in frames of 64 KiB. */
const PAGE_CACHE_BYTES = 4 * 1024 * 1024;

/** Finds frames by offsets in the content. */
export class FrameTable {
  readonly #label: string;
  readonly #extent: TableExtent;
  readonly #pages: TablePages;
  /** Number of frames in a page. */
  readonly #pageFrames: number;
  readonly #loaded: ByteLru<number, Page>;
  readonly #loading = new Map<number, Promise<Page>>();

  private constructor(label: string, extent: TableExtent, pages: TablePages, whole?: Page) {
    this.#label = label;
    this.#extent = extent;
    this.#pages = pages;
    this.#pageFrames = whole ? extent.frames : PAGE_FRAMES;
    this.#loaded = new ByteLru(whole ? Number.POSITIVE_INFINITY : PAGE_CACHE_BYTES);
    if (whole) this.#loaded.set(0, whole, 0);
  }

  /**
   * Opens the table: reads its directory, or the whole table if that is short or has no directory.
   * @throws PeekpackError `corrupt`; `limit` for a table without directory beyond `maxTableBytes`; and what `read` rejects with
   */
  static async open(
    label: string,
    extent: TableExtent,
    maxTableBytes: number,
    read: ReadRange,
  ): Promise<FrameTable> {
    const { frames, start, entries, entrySize } = extent;
    if (hasDirectory(extent) && start >= directorySize(frames)) {
      const pages = decodeDirectory(await read(start - directorySize(frames), start), extent);
      if (pages) return new FrameTable(label, extent, pages);
    }
    if (frames * entrySize > maxTableBytes) {
      const text = `${label}: the table of frames takes ${frames * entrySize} bytes (limit maxTableBytes).`;
      throw new PeekpackError("limit", text, { section: "source" });
    }
    const bytes = await read(start, entries + frames * entrySize);
    if (!isTableHead(bytes, extent)) {
      throw tableDamaged(label, "there is no table of frames where the end of the file says");
    }
    const page = decodePage(bytes.subarray(entries - start), extent, 0, 0);
    if (page.compressed[frames] !== start) throw tableDamaged(label, "the table of frames does not add up");
    if (!Number.isSafeInteger(page.content[frames])) {
      throw tableDamaged(label, "the table of frames is beyond any real size");
    }
    const pages: TablePages = {
      compressed: Float64Array.of(0, start),
      content: Float64Array.of(0, page.content[frames]!),
    };
    return new FrameTable(label, extent, pages, page);
  }

  /** Whether frames have checksums. */
  get checksums(): boolean {
    return this.#extent.checksums;
  }

  /** Size of the content in bytes. */
  get size(): number {
    return this.#pages.content.at(-1)!;
  }

  /** The frames with a range of the content, ascending, without empty ones. Reads the pages of the table that are missing. */
  async frames({ start, end }: ByteRange, read: ReadRange): Promise<Frame[]> {
    const frames: Frame[] = [];
    if (start >= end) return frames;
    const { content } = this.#pages;
    for (let number = lastUpTo(content, start); content[number]! < end; number++) {
      if (number === content.length - 1) break;
      const page = this.#loaded.get(number) ?? (await this.#load(number, read));
      for (let i = lastUpTo(page.content, start); i < page.content.length - 1; i++) {
        if (page.content[i]! >= end) break;
        if (page.content[i] === page.content[i + 1]) continue;
        frames.push({
          compressed: { start: page.compressed[i]!, end: page.compressed[i + 1]! },
          content: { start: page.content[i]!, end: page.content[i + 1]! },
          checksum: page.checksums?.[i],
        });
      }
    }
    return frames;
  }

  /** Loads a page. Reads at the same time share it. */
  #load(number: number, read: ReadRange): Promise<Page> {
    let loading = this.#loading.get(number);
    if (!loading) {
      loading = this.#read(number, read).finally(() => this.#loading.delete(number));
      this.#loading.set(number, loading);
    }
    return loading;
  }

  async #read(number: number, read: ReadRange): Promise<Page> {
    const { frames, entries, entrySize } = this.#extent;
    const { compressed, content } = this.#pages;
    const first = number * this.#pageFrames;
    const count = Math.min(this.#pageFrames, frames - first);
    const at = entries + first * entrySize;
    const bytes = await read(at, at + count * entrySize);
    const page = decodePage(bytes, this.#extent, compressed[number]!, content[number]!);
    if (page.compressed[count] !== compressed[number + 1] || page.content[count] !== content[number + 1]) {
      throw tableDamaged(this.#label, "a page of the table of frames contradicts the directory");
    }
    this.#loaded.set(number, page, count * 20);
    return page;
  }
}

/** Decodes entries. */
function decodePage(
  bytes: Uint8Array,
  { entrySize, checksums }: TableExtent,
  compressedStart: number,
  contentStart: number,
): Page {
  const count = Math.floor(bytes.length / entrySize);
  const compressed = new Float64Array(count + 1);
  const content = new Float64Array(count + 1);
  const sums = checksums ? new Uint32Array(count) : undefined;
  compressed[0] = compressedStart;
  content[0] = contentStart;
  for (let i = 0, at = 0; i < count; i++, at += entrySize) {
    compressed[i + 1] = compressed[i]! + uint32(bytes, at);
    content[i + 1] = content[i]! + uint32(bytes, at + 4);
    if (sums) sums[i] = uint32(bytes, at + 8);
  }
  return { compressed, content, checksums: sums };
}

/** The index of the last offset that is not greater than `offset`. */
function lastUpTo(offsets: Float64Array, offset: number): number {
  let low = 0;
  for (let high = offsets.length; high - low > 1; ) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! <= offset) low = middle;
    else high = middle;
  }
  return low;
}
