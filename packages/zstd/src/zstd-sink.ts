import { type ArchiveSink, HEADER_SIZE, PeekpackError, type WriteResult } from "@peekpack/core";
import { disposable } from "@peekpack/core/internal";
import { loadChecksum } from "./checksum.js";
import {
  availableThreads,
  type CompressionPool,
  compressHere,
  compressionPool,
  type WorkerFactory,
} from "./compression-pool.js";
import type { Batch, CompressedBatch } from "./compressor.js";
import { headerFrame } from "./header-frame.js";
import { MAX_FRAME_BYTES, SeekTableBuilder } from "./seek-table.js";

/** Content of the first frame after the header, with the header: what a reader asks for at first. */
const FIRST_BYTES = 16 * 1024;
/** Content that hardly compresses is cut into an eighth of a frame, but not below this. */
const MIN_PIECE_BYTES = 8 * 1024;
/** Content that a worker gets at a time. */
const BATCH_BYTES = 1024 * 1024;

/** Options of {@link zstdSink}. Everything has a default. */
export interface ZstdSinkOptions {
  /** Compression level of Zstandard, 1 to 22: higher is smaller and slower. From 20 on it takes much memory. Default 5. */
  readonly level?: number | undefined;
  /**
   * Maximum content of a frame in bytes. Larger frames compress better; a cold value costs the fetching and decoding of whole frames. What
   * does not shrink to a quarter gets smaller frames, down to an eighth or 8 KiB. From 1024 to 2^30. Default 64 KiB.
   */
  readonly frameBytes?: number | undefined;
  /** Whether each frame has a checksum of its content, 8 bytes in all. Default true. */
  readonly checksum?: boolean | undefined;
  /** Maximum number of workers that compress. Default: the number of processors, at most 4. */
  readonly concurrency?: number | undefined;
  /**
   * Makes a worker of `@peekpack/zstd/compression-worker`, if a bundler does not find it. `false`: frames are compressed in this thread,
   * as they are if the worker's script cannot be loaded.
   */
  readonly worker?: WorkerFactory | false | undefined;
}

/** The result of a write through {@link zstdSink}. `size` is that of the archive, as it is read through `zstdSource`. */
export interface ZstdWriteResult extends WriteResult {
  /** Size of the compressed object in bytes. */
  readonly compressedSize: number;
}

/** A sink for `await using`: disposing aborts it unless it is finished. */
export interface ZstdSink extends ArchiveSink, AsyncDisposable {
  finish(header: Uint8Array): Promise<ZstdWriteResult>;
}

/**
 * Compresses an archive while it is written: the object is in the Zstandard seekable format, which `zstdSource` reads by ranges and any
 * Zstandard decoder reads whole. Frames are compressed in workers. Memory: 2 MiB of content for each worker, or two frames if
 * these are larger; and 12 bytes for each frame.
 *
 * Its calls reject with what `sink` rejects with; with PeekpackError `network` if code cannot be loaded or a worker fails; with `limit`
 * after 2^27 frames.
 *
 * @example
 * await writeArchive(zstdSink(fileSink("data.msglc.zst")), { rows: listOf(generate()) });
 *
 * @throws RangeError if an option is out of range
 */
export function zstdSink(sink: ArchiveSink, options: ZstdSinkOptions = {}): ZstdSink {
  const writer = new FrameWriter(sink, resolve(options));
  let state: "open" | "finished" | "failed" = "open";
  let last: Promise<unknown> = Promise.resolve();
  /** Runs calls one after another. A failed one aborts the write. */
  const enqueue = <T>(call: () => Promise<T>): Promise<T> => {
    const result = last.then(async () => {
      if (state !== "open") throw new PeekpackError("closed", "This sink is closed.", { section: "sink" });
      try {
        return await call();
      } catch (error) {
        state = "failed";
        await writer.abandon(error);
        throw error;
      }
    });
    last = result.catch(() => {});
    return result;
  };
  return disposable<ZstdSink, "abort">(
    {
      // Not the label of the compressed object: what reads the content has this label.
      label: sink.label === undefined ? undefined : `zstd:${sink.label}`,
      copies: true,
      write: (chunk) => enqueue(() => writer.write(chunk)),
      ...(sink.spill && { spill: () => enqueue(() => sink.spill!()) }),
      finish: (header) =>
        enqueue(async () => {
          const result = await writer.finish(header);
          state = "finished";
          return result;
        }),
      async abort(reason?: unknown) {
        if (state !== "open") return;
        state = "failed";
        await writer.abandon(reason);
        await last;
      },
    },
    "abort",
  );
}

interface ResolvedOptions {
  readonly level: number;
  readonly frameBytes: number;
  readonly checksum: boolean;
  readonly concurrency: number;
  readonly worker: WorkerFactory | false | undefined;
}

/** @throws RangeError */
function resolve(options: ZstdSinkOptions): ResolvedOptions {
  const { level = 5, frameBytes = 64 * 1024, checksum = true, worker } = options;
  const { concurrency = Math.min(4, availableThreads()) } = options;
  const between = (name: string, value: number, min: number, max: number): void => {
    if (!(Number.isInteger(value) && value >= min && value <= max)) {
      throw new RangeError(`${name} is an integer from ${min} to ${max}.`);
    }
  };
  between("level", level, 1, 22);
  between("frameBytes", frameBytes, 1024, MAX_FRAME_BYTES);
  between("concurrency", concurrency, 1, 64);
  return { level, frameBytes, checksum, concurrency, worker };
}

class FrameWriter {
  readonly #sink: ArchiveSink;
  readonly #options: ResolvedOptions;
  readonly #table: SeekTableBuilder;
  readonly #batchBytes: number;
  #pool: CompressionPool | undefined;
  /** The batch that is being filled. */
  #batch: Uint8Array;
  #filled = 0;
  /** Buffers of batches that are compressed: memory that is taken anew costs as much as copying into it. */
  readonly #spare: Uint8Array[] = [];
  /** Content of full batches in bytes. */
  #produced = 0;
  /** Batches that are being compressed or written, in order. None rejects. */
  readonly #open: Promise<void>[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(sink: ArchiveSink, options: ResolvedOptions) {
    const { frameBytes, checksum } = options;
    this.#sink = sink;
    this.#options = options;
    this.#table = new SeekTableBuilder(checksum);
    // The header's frame. Its checksum comes with the header.
    this.#table.add(HEADER_SIZE, HEADER_SIZE, 0);
    this.#batchBytes = Math.max(1, Math.floor(BATCH_BYTES / frameBytes)) * frameBytes;
    // Small archives take little memory.
    this.#batch = new Uint8Array(Math.min(this.#batchBytes, 64 * 1024));
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(chunk.length - at, this.#batchBytes - this.#filled);
      if (this.#filled + taken > this.#batch.length) this.#grow(this.#filled + taken);
      this.#batch.set(chunk.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === this.#batchBytes) await this.#startBatch();
    }
    if (this.#failure) throw this.#failure.error;
  }

  async finish(header: Uint8Array): Promise<ZstdWriteResult> {
    const size = header.length + this.#produced + this.#filled;
    if (this.#filled > 0) await this.#startBatch();
    await Promise.all(this.#open);
    this.#pool?.close();
    if (this.#failure) throw this.#failure.error;
    const checksum = this.#options.checksum ? (await loadChecksum())(header) : undefined;
    const frame = headerFrame(header, checksum);
    this.#table.set(0, frame.length, header.length, checksum ?? 0);
    const table = this.#table.encode();
    await this.#sink.write(table);
    const result = await this.#sink.finish(frame);
    return { ...result, size, compressedSize: result.size };
  }

  async abandon(reason: unknown): Promise<void> {
    this.#failure ??= { error: reason };
    this.#pool?.close();
    this.#batch = new Uint8Array(0);
    this.#spare.length = 0;
    await this.#sink.abort(reason);
  }

  #grow(needed: number): void {
    const longer = new Uint8Array(Math.min(this.#batchBytes, Math.max(needed, 2 * this.#batch.length)));
    longer.set(this.#batch.subarray(0, this.#filled));
    this.#batch = longer;
  }

  /** Starts to compress what is filled, and waits until there is memory for the next batch. */
  async #startBatch(): Promise<void> {
    const { concurrency, level, checksum, worker } = this.#options;
    const full = this.#filled === this.#batchBytes;
    const batch: Batch = {
      content: this.#batch.subarray(0, this.#filled),
      sizes: this.#frameSizes(),
      pieceBytes: Math.max(MIN_PIECE_BYTES, Math.ceil(this.#options.frameBytes / 8)),
    };
    this.#produced += this.#filled;
    this.#filled = 0;
    this.#batch = full ? (this.#spare.pop() ?? new Uint8Array(this.#batchBytes)) : new Uint8Array(0);
    // An archive of one short batch is not worth a worker.
    if (full) this.#pool ??= compressionPool({ level, checksum, concurrency, worker });
    const compress = this.#pool?.compress ?? compressHere(level, checksum);
    const compressing = compress(batch);
    compressing.catch(() => {});
    const before = this.#open.at(-1);
    this.#open.push(this.#append(compressing, before));
    while (this.#open.length > 2 * concurrency) await this.#open.shift();
  }

  /** Writes a batch after the one before it. */
  async #append(compressing: Promise<CompressedBatch>, before: Promise<void> | undefined): Promise<void> {
    try {
      const { frames, content, sizes, contentSizes, checksums } = await compressing;
      if (content.length === this.#batchBytes) this.#spare.push(content);
      await before;
      if (this.#failure) return;
      for (const [i, size] of sizes.entries()) this.#table.add(size, contentSizes[i]!, checksums[i]!);
      await this.#sink.write(frames);
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  /** How the filled part of the batch is cut into frames. */
  #frameSizes(): number[] {
    const { frameBytes } = this.#options;
    const sizes: number[] = [];
    let next = this.#produced === 0 ? Math.min(frameBytes, FIRST_BYTES - HEADER_SIZE) : frameBytes;
    for (let rest = this.#filled; rest > 0; next = frameBytes) {
      sizes.push(Math.min(next, rest));
      rest -= sizes.at(-1)!;
    }
    return sizes;
  }
}
