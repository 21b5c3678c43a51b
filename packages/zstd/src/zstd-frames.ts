import {
  type ArchiveCompression,
  type ArchivePiece,
  type CompressedArchive,
  isPeekpackError,
  PeekpackError,
  type RangeSource,
  type ReadOptions,
  type SourceRange,
} from "@peekpack/core";
import { loadChecksum } from "./checksum.js";
import type { CompressedBatch } from "./compressor.js";
import { isZstd } from "./frame-header.js";
import {
  FrameStream,
  type ResolvedCompressOptions,
  resolveCompressOptions,
  type ZstdSinkOptions,
} from "./frame-stream.js";
import type { Frame, FrameTable } from "./frame-table.js";
import { headerFrame } from "./header-frame.js";
import { SeekTableBuilder, tableDamaged } from "./seek-table.js";
import { type FramedObject, framedObject, zstdSource } from "./zstd-source.js";

const MiB = 1024 * 1024;
/** Bytes that are read and compressed at a time. */
const STEP_BYTES = 4 * MiB;
/** Content whose frames are looked up at a time: about a page of a long table. */
const LOOKUP_BYTES = 64 * MiB;
/** Lookups at once. Their pages are read together. */
const LOOKUPS = 16;
/** Maximum size of an entry in the table of frames. */
const MAX_ENTRY = 2 ** 32 - 1;

/** Options of {@link zstdFrames}. Everything has a default. */
export interface ZstdFramesOptions extends ZstdSinkOptions {
  /**
   * Maximum memory for what is compressed anew in bytes, after its compression: values, and archives that are not compressed. More rejects
   * with `limit`. Default 64 MiB.
   */
  readonly maxBytes?: number | undefined;
}

/**
 * Combines compressed archives by their frames, which are not decompressed: the option `compression` of `store.combine` and
 * `store.append`. The result is in the Zstandard seekable format, with one table of frames. Frames that hold bytes of the old header or
 * the old table of contents besides those of children are compressed anew, at most two for each archive. The other options are those
 * of `zstdSink`, for what is compressed anew.
 *
 * @example
 * await store.combine("bucket/all.msglc.zst", [{ name: "a", source: "bucket/a.msglc.zst" }], { compression: zstdFrames() });
 *
 * @throws RangeError if an option is out of range
 */
export function zstdFrames(options: ZstdFramesOptions = {}): ArchiveCompression {
  const resolved = resolveCompressOptions(options);
  const { maxBytes = 64 * MiB } = options;
  if (!(Number.isSafeInteger(maxBytes) && maxBytes >= 0)) {
    throw new RangeError("maxBytes is an integer of at least 0.");
  }
  return {
    open,
    async compress([header, ...pieces], read = {}) {
      if (!(header instanceof Uint8Array)) throw new TypeError("The first piece is the header.");
      const joiner = new FrameJoiner(resolved, maxBytes, read);
      try {
        for (const piece of pieces) await joiner.add(piece);
        return await joiner.finish(header);
      } finally {
        joiner.close();
      }
    },
  };
}

async function open(source: RangeSource, read: ReadOptions = {}): Promise<CompressedArchive | undefined> {
  const content = framedObject(source)
    ? source
    : zstdSource(withHead(source), { cacheBytes: 0, readAhead: 0 });
  const { object, open } = framedObject(content)!;
  try {
    const { objectSize } = await open(read);
    return { content, object, objectSize };
  } catch (error) {
    if (!isPeekpackError(error) || error.code !== "not-an-archive") throw error;
    const { head } = await source.probe({ head: 4, tail: 0 }, read);
    if (isZstd(head)) throw error;
    return undefined;
  }
}

/** Keeps the first bytes of a source, which are probed before they are read: the frame of the header is among them. */
function withHead(source: RangeSource): RangeSource {
  let head = new Uint8Array(0);
  return {
    ...source,
    async probe(want, options) {
      const probe = await source.probe(want, options);
      head = probe.head.slice();
      return probe;
    },
    read: async (ranges, options) =>
      ranges.every(({ end }) => end <= head.length)
        ? ranges.map(({ start, end }) => head.subarray(start, end))
        : source.read(ranges, options),
  };
}

/** Puts a compressed object together. */
class FrameJoiner {
  readonly #maxBytes: number;
  readonly #read: ReadOptions;
  readonly #checksum: boolean;
  readonly #table = new SeekTableBuilder();
  readonly #stream: FrameStream;
  readonly #pieces: ArchivePiece[] = [];
  /** Whether all frames so far have checksums. */
  #checksums: boolean;
  #memory = 0;

  constructor(options: ResolvedCompressOptions, maxBytes: number, read: ReadOptions) {
    this.#maxBytes = maxBytes;
    this.#read = read;
    this.#checksum = options.checksum;
    this.#checksums = options.checksum;
    // The header's frame.
    this.#table.add(0, 0, 0);
    this.#stream = new FrameStream(options, (batch) => this.#append(batch));
  }

  async add(piece: ArchivePiece): Promise<void> {
    if (piece instanceof Uint8Array) return this.#stream.write(piece);
    const below = framedObject(piece.source);
    return below ? this.#addFrames(piece, below) : this.#addContent(piece);
  }

  async finish(header: Uint8Array): Promise<ArchivePiece[]> {
    await this.#stream.flush();
    const checksum = this.#checksum ? (await loadChecksum())(header) : undefined;
    const frame = headerFrame(header, checksum);
    this.#table.set(0, frame.length, header.length, checksum ?? 0);
    return [frame, ...this.#pieces, this.#table.encode(this.#checksums)];
  }

  close(): void {
    this.#stream.close();
  }

  /** Compresses bytes of a source. */
  async #addContent({ source, start, end }: SourceRange): Promise<void> {
    for (let at = start; at < end; at += STEP_BYTES) {
      const [bytes] = await source.read([{ start: at, end: Math.min(at + STEP_BYTES, end) }], this.#read);
      await this.#stream.write(bytes!);
    }
  }

  /** Takes the frames of a range as they are, and compresses what the range has of the frames at its edges. */
  async #addFrames({ source, start, end }: SourceRange, { object, open }: FramedObject): Promise<void> {
    const { table } = await open(this.#read);
    let first: number | undefined;
    let last = 0;
    let rest = start;
    for await (const { compressed, content, checksum } of this.#frames(table, object, start, end)) {
      if (content.start < start || content.end > end) continue;
      if (first === undefined) {
        await this.#addContent({ source, start, end: content.start });
        await this.#stream.flush();
        first = compressed.start;
        last = first;
      }
      const gap = compressed.start - last;
      if (gap > MAX_ENTRY)
        throw tableDamaged(object.label, "a frame without content is beyond any real size");
      // Skippable frames: the table of frames of a child of the child.
      if (gap > 0) this.#table.addEmpty(gap);
      this.#table.add(compressed.end - compressed.start, content.end - content.start, checksum ?? 0);
      last = compressed.end;
      rest = content.end;
    }
    if (first !== undefined) {
      this.#pieces.push({ source: object, start: first, end: last });
      this.#checksums &&= table.checksums;
    }
    await this.#addContent({ source, start: rest, end });
  }

  /** The frames of a range of the content, in order. */
  async *#frames(table: FrameTable, object: RangeSource, start: number, end: number): AsyncGenerator<Frame> {
    const read = async (from: number, to: number): Promise<Uint8Array> =>
      (await object.read([{ start: from, end: to }], { ...this.#read, reason: "toc" }))[0]!;
    for (let at = start; at < end; ) {
      const found: Promise<Frame[]>[] = [];
      const from = at;
      for (; at < end && found.length < LOOKUPS; at += LOOKUP_BYTES) {
        found.push(table.frames({ start: at, end: Math.min(at + LOOKUP_BYTES, end) }, read));
      }
      let last = -1;
      for (const frame of (await Promise.all(found)).flat()) {
        // A frame across the border of two lookups is found by both.
        const known = frame.content.start <= last || (frame.content.start < from && from > start);
        last = Math.max(last, frame.content.start);
        if (!known) yield frame;
      }
    }
  }

  #append(batch: CompressedBatch): void {
    this.#memory += batch.frames.length;
    if (this.#memory > this.#maxBytes) {
      throw new PeekpackError(
        "limit",
        `What must be compressed takes more than ${this.#maxBytes} bytes of memory (limit maxBytes): compress archives before they are combined.`,
        { section: "sink" },
      );
    }
    this.#table.addBatch(batch);
    this.#pieces.push(batch.frames);
  }
}
