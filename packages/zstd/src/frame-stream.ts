import { availableThreads, type CompressionPool, compressHere, compressionPool } from "./compression-pool.js";
import type { WorkerFactory } from "./compression-thread.js";
import type { Batch, CompressedBatch } from "./compressor.js";

/** Maximum of `frameBytes`. Readers refuse larger frames by default, and the encoders have 2 GiB of memory. */
const MAX_WRITTEN_FRAME_BYTES = 64 * 1024 * 1024;
/** Content that hardly compresses is cut into an eighth of a frame, but not below this. */
const MIN_PIECE_BYTES = 8 * 1024;
/** Content that a worker gets at a time. */
const BATCH_BYTES = 1024 * 1024;

/** Options of `zstdSink`. Everything has a default. */
export interface ZstdSinkOptions {
  /** Compression level of Zstandard, 1 to 22: higher is smaller and slower. From 20 on it takes much memory. Default 5. */
  readonly level?: number | undefined;
  /**
   * Maximum content of a frame in bytes. Larger frames compress better; a cold value costs the fetching and decoding of whole frames. What
   * does not shrink to a third gets smaller frames, down to an eighth or 8 KiB. From 1024 to 64 MiB. Default 64 KiB.
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

/** {@link ZstdSinkOptions} with defaults. */
export interface ResolvedCompressOptions {
  readonly level: number;
  readonly frameBytes: number;
  readonly checksum: boolean;
  readonly concurrency: number;
  readonly worker: WorkerFactory | false | undefined;
}

/** @throws RangeError if an option is out of range */
export function resolveCompressOptions(options: ZstdSinkOptions): ResolvedCompressOptions {
  const { level = 5, frameBytes = 64 * 1024, checksum = true, worker } = options;
  const { concurrency = Math.min(4, availableThreads()) } = options;
  const between = (name: string, value: number, min: number, max: number): void => {
    if (!(Number.isInteger(value) && value >= min && value <= max)) {
      throw new RangeError(`${name} is an integer from ${min} to ${max}.`);
    }
  };
  between("level", level, 1, 22);
  between("frameBytes", frameBytes, 1024, MAX_WRITTEN_FRAME_BYTES);
  between("concurrency", concurrency, 1, 64);
  return { level, frameBytes, checksum, concurrency, worker };
}

/** Takes consecutive frames, in order. */
export type FrameListener = (batch: CompressedBatch) => Promise<void> | void;

/**
 * Cuts content into frames and compresses them in batches, in workers if there is more than one batch. Memory: two batches for each
 * worker.
 */
export class FrameStream {
  readonly #options: ResolvedCompressOptions;
  readonly #emit: FrameListener;
  readonly #batchBytes: number;
  /** Maximum content of the very first frame in bytes. */
  readonly #firstBytes: number;
  #pool: CompressionPool | undefined;
  /** The batch that is being filled. */
  #batch: Uint8Array;
  #filled = 0;
  /** Buffers of batches that are compressed: memory that is taken anew costs as much as copying into it. */
  readonly #spare: Uint8Array[] = [];
  /** Content of batches that have been started in bytes. */
  #produced = 0;
  /** Batches that are being compressed or emitted, in order. None rejects. */
  readonly #open: Promise<void>[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(
    options: ResolvedCompressOptions,
    emit: FrameListener,
    firstBytes: number = options.frameBytes,
  ) {
    this.#options = options;
    this.#emit = emit;
    this.#firstBytes = Math.min(options.frameBytes, firstBytes);
    this.#batchBytes = Math.max(1, Math.floor(BATCH_BYTES / options.frameBytes)) * options.frameBytes;
    // Small archives take little memory.
    this.#batch = new Uint8Array(Math.min(this.#batchBytes, 64 * 1024));
  }

  /** Content so far in bytes. */
  get size(): number {
    return this.#produced + this.#filled;
  }

  /** Copies content. Waits until there is memory for more. */
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

  /** Ends the last frame, and waits until all frames were emitted. */
  async flush(): Promise<void> {
    if (this.#filled > 0) await this.#startBatch();
    await Promise.all(this.#open);
    this.#open.length = 0;
    if (this.#failure) throw this.#failure.error;
  }

  /** Ends the workers, and frees the memory. Emits nothing more. */
  close(reason?: unknown): void {
    this.#failure ??= { error: reason };
    this.#pool?.close();
    this.#batch = new Uint8Array(0);
    this.#spare.length = 0;
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

  /** Emits a batch after the one before it. */
  async #append(compressing: Promise<CompressedBatch>, before: Promise<void> | undefined): Promise<void> {
    try {
      const batch = await compressing;
      if (batch.content.length === this.#batchBytes) this.#spare.push(batch.content);
      await before;
      if (this.#failure) return;
      await this.#emit(batch);
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  /** How the filled part of the batch is cut into frames. */
  #frameSizes(): number[] {
    const { frameBytes } = this.#options;
    const sizes: number[] = [];
    let next = this.#produced === 0 ? this.#firstBytes : frameBytes;
    for (let rest = this.#filled; rest > 0; next = frameBytes) {
      sizes.push(Math.min(next, rest));
      rest -= sizes.at(-1)!;
    }
    return sizes;
  }
}
