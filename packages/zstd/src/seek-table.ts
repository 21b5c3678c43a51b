import { PeekpackError } from "@peekpack/core";
import { crc32 } from "@peekpack/core/internal";
import type { CompressedBatch } from "./compressor.js";
import { uint32 } from "./uint32.js";

/*
 * The table of frames, as the Zstandard seekable format has it: a skippable frame at the end of the file with one entry per frame, which
 * is the size of the frame, the size of its content and, optionally, a checksum of the content.
 *
 * The table of a long file is long itself. So it is preceded by a skippable frame of peekpack, which other readers skip: a directory of
 * the table, with the position of every 1024th frame. A reader with the directory fetches only the pages of the table that it needs. The
 * directory has an entry in the table as well, with an empty content.
 */

/** How the table begins: a skippable frame. */
const TABLE_MAGIC = 0x184d2a5e;
/** How the table ends. */
const FOOTER_MAGIC = 0x8f92eab1;
/** Length of the end of the table: the number of frames, a descriptor and a magic. */
export const FOOTER_SIZE = 9;
/** Length of the beginning of a skippable frame: its magic and the length of what follows. */
const SKIPPABLE_SIZE = 8;
/** Maximum number of frames, as in the reference implementation of the format. */
export const MAX_FRAMES: number = 2 ** 27;
/** Maximum size of a frame's content in bytes, as in the reference implementation. */
export const MAX_FRAME_BYTES: number = 2 ** 30;

/** How the directory begins: another skippable frame. */
const DIRECTORY_MAGIC = 0x184d2a5d;
/** The first bytes in the directory: ASCII `PEEKPZSD`. */
const DIRECTORY_NAME: readonly number[] = [0x50, 0x45, 0x45, 0x4b, 0x50, 0x5a, 0x53, 0x44];
/** Number of frames in a page of the table. */
export const PAGE_FRAMES = 1024;
/** Tables of more frames than this have a directory. Shorter ones are read whole: 192 KiB, for 1 GiB in frames of 64 KiB. */
const MAX_WHOLE_FRAMES = 16 * PAGE_FRAMES;
/** The checksum of an empty content: the low half of XXH64. */
const EMPTY_CHECKSUM = 0x51d8e999;

/** What the end of a file says about its table. */
export interface TableExtent {
  readonly frames: number;
  /** Whether entries have checksums. */
  readonly checksums: boolean;
  /** Offset of the first entry in the file. */
  readonly entries: number;
  /** Length of an entry in bytes. */
  readonly entrySize: number;
  /** Offset of the table in the file, which is the end of the frames. */
  readonly start: number;
}

/** Whether a table is long enough to have a directory. */
export function hasDirectory({ frames }: { readonly frames: number }): boolean {
  return frames > MAX_WHOLE_FRAMES;
}

/** Length of the directory of a table of so many frames in bytes. */
export function directorySize(frames: number): number {
  const pages = Math.ceil(frames / PAGE_FRAMES);
  return SKIPPABLE_SIZE + DIRECTORY_NAME.length + (pages + 1) * 16 + 4;
}

/**
 * Reads the end of the table.
 * @param tail the last bytes of the file
 * @throws PeekpackError `not-an-archive` if there is no table, `corrupt`
 */
export function decodeFooter(tail: Uint8Array, size: number, label: string): TableExtent {
  const at = tail.length - FOOTER_SIZE;
  if (at < 0 || uint32(tail, at + 5) !== FOOTER_MAGIC) {
    throw new PeekpackError(
      "not-an-archive",
      `${label}: there is no table of frames at the end. The file is not in the Zstandard seekable format, or its end is missing.`,
      { section: "source" },
    );
  }
  const frames = uint32(tail, at);
  const descriptor = tail[at + 4]!;
  const checksums = descriptor >= 128;
  const entrySize = checksums ? 12 : 8;
  const start = size - (SKIPPABLE_SIZE + frames * entrySize + FOOTER_SIZE);
  if ((descriptor & 0x7c) !== 0 || frames > MAX_FRAMES || start < 0) {
    throw tableDamaged(label, "the end of the table of frames is invalid");
  }
  return { frames, checksums, entries: start + SKIPPABLE_SIZE, entrySize, start };
}

/** The error for a table that contradicts itself. */
export function tableDamaged(label: string, what: string): PeekpackError {
  return new PeekpackError("corrupt", `${label}: ${what}.`, { section: "source" });
}

/** Where pages of a table begin, in the file and in the content. Each has one more element, for the end. */
export interface TablePages {
  readonly compressed: Float64Array;
  readonly content: Float64Array;
}

/** Reads a directory. Undefined if there is none, or if it is damaged: then the table must be read whole. */
export function decodeDirectory(bytes: Uint8Array, { frames, start }: TableExtent): TablePages | undefined {
  const pages = Math.ceil(frames / PAGE_FRAMES);
  const names = SKIPPABLE_SIZE + DIRECTORY_NAME.length;
  const end = bytes.length - 4;
  if (
    uint32(bytes, 0) !== DIRECTORY_MAGIC ||
    uint32(bytes, 4) !== bytes.length - SKIPPABLE_SIZE ||
    DIRECTORY_NAME.some((byte, i) => bytes[SKIPPABLE_SIZE + i] !== byte) ||
    crc32(bytes.subarray(SKIPPABLE_SIZE, end)) !== uint32(bytes, end)
  ) {
    return undefined;
  }
  const compressed = new Float64Array(pages + 1);
  const content = new Float64Array(pages + 1);
  for (let page = 0; page <= pages; page++) {
    compressed[page] = uint64(bytes, names + page * 16);
    content[page] = uint64(bytes, names + page * 16 + 8);
  }
  const ascends = (offsets: Float64Array): boolean =>
    offsets[0] === 0 && offsets.every((offset, i) => i === 0 || offset >= offsets[i - 1]!);
  const valid = ascends(compressed) && ascends(content) && compressed[pages] === start;
  return valid && content[pages]! <= Number.MAX_SAFE_INTEGER ? { compressed, content } : undefined;
}

const uint64 = (bytes: Uint8Array, at: number): number => uint32(bytes, at) + uint32(bytes, at + 4) * 2 ** 32;

/** Collects the entries of a table while the frames are written. Memory: 12 bytes for each frame, doubled while it grows. */
export class SeekTableBuilder {
  #values = new Uint32Array(3 * 256);
  #frames = 0;

  /** Replaces what was added for a frame. */
  set(frame: number, compressed: number, content: number, checksum: number): void {
    this.#values.set([compressed, content, checksum], frame * 3);
  }

  /** Adds the next frame: its size, the size of its content, and the checksum of its content. @throws PeekpackError `limit` */
  add(compressed: number, content: number, checksum: number): void {
    if (this.#frames >= MAX_FRAMES) {
      throw new PeekpackError(
        "limit",
        `The Zstandard seekable format holds at most ${MAX_FRAMES} frames: choose a larger frameBytes.`,
        { section: "sink" },
      );
    }
    if (this.#values.length === this.#frames * 3) {
      const longer = new Uint32Array(this.#values.length * 2);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.set(this.#frames++, compressed, content, checksum);
  }

  /** Adds consecutive frames. @throws PeekpackError `limit` */
  addBatch({ sizes, contentSizes, checksums }: CompressedBatch): void {
    for (const [i, size] of sizes.entries()) this.add(size, contentSizes[i]!, checksums[i]!);
  }

  /** Adds frames without content. @throws PeekpackError `limit` */
  addEmpty(compressed: number): void {
    this.add(compressed, 0, EMPTY_CHECKSUM);
  }

  /** Encodes the table, with or without checksums, and with a directory before it if it is long. Call it once. */
  encode(checksums: boolean): Uint8Array {
    const directory = hasDirectory({ frames: this.#frames + 1 }) ? this.#directory() : new Uint8Array(0);
    const entrySize = checksums ? 12 : 8;
    const table = new Uint8Array(SKIPPABLE_SIZE + this.#frames * entrySize + FOOTER_SIZE);
    const view = new DataView(table.buffer);
    view.setUint32(0, TABLE_MAGIC, true);
    view.setUint32(4, table.length - SKIPPABLE_SIZE, true);
    for (let frame = 0, at = SKIPPABLE_SIZE; frame < this.#frames; frame++) {
      for (let i = 0; i < entrySize / 4; i++, at += 4) view.setUint32(at, this.#values[frame * 3 + i]!, true);
    }
    view.setUint32(table.length - 9, this.#frames, true);
    view.setUint8(table.length - 5, checksums ? 128 : 0);
    view.setUint32(table.length - 4, FOOTER_MAGIC, true);
    const whole = new Uint8Array(directory.length + table.length);
    whole.set(directory);
    whole.set(table, directory.length);
    return whole;
  }

  #directory(): Uint8Array {
    const frames = this.#frames + 1;
    const bytes = new Uint8Array(directorySize(frames));
    this.addEmpty(bytes.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, DIRECTORY_MAGIC, true);
    view.setUint32(4, bytes.length - SKIPPABLE_SIZE, true);
    bytes.set(DIRECTORY_NAME, SKIPPABLE_SIZE);
    let at = SKIPPABLE_SIZE + DIRECTORY_NAME.length;
    let compressed = 0;
    let content = 0;
    for (let frame = 0; frame <= frames; frame++) {
      if (frame % PAGE_FRAMES === 0 || frame === frames) {
        view.setBigUint64(at, BigInt(compressed), true);
        view.setBigUint64(at + 8, BigInt(content), true);
        at += 16;
      }
      compressed += this.#values[frame * 3] ?? 0;
      content += this.#values[frame * 3 + 1] ?? 0;
    }
    view.setUint32(at, crc32(bytes.subarray(SKIPPABLE_SIZE, at)), true);
    return bytes;
  }
}

/** Whether bytes begin as a table of so many bytes does. */
export function isTableHead(bytes: Uint8Array, { frames, entrySize }: TableExtent): boolean {
  return uint32(bytes, 0) === TABLE_MAGIC && uint32(bytes, 4) === frames * entrySize + FOOTER_SIZE;
}
