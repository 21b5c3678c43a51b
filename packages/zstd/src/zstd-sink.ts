import { type ArchiveSink, HEADER_SIZE, PeekpackError, type WriteResult } from "@peekpack/core";
import { disposable } from "@peekpack/core/internal";
import { loadChecksum } from "./checksum.js";
import type { CompressedBatch } from "./compressor.js";
import {
  FrameStream,
  type ResolvedCompressOptions,
  resolveCompressOptions,
  type ZstdSinkOptions,
} from "./frame-stream.js";
import { headerFrame } from "./header-frame.js";
import { SeekTableBuilder } from "./seek-table.js";

/** Content of the first frame after the header, with the header: what a reader asks for at first. */
const FIRST_BYTES = 16 * 1024;

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
 * Its calls reject with what `sink` rejects with; with PeekpackError `network` if code cannot be loaded or a worker fails; with `denied`
 * if the encoder needs WebAssembly, which the page or workerd forbids; with `limit` after 2^27 frames.
 *
 * @example
 * await writeArchive(zstdSink(fileSink("data.msglc.zst")), { rows: listOf(generate()) });
 *
 * @throws RangeError if an option is out of range
 */
export function zstdSink(sink: ArchiveSink, options: ZstdSinkOptions = {}): ZstdSink {
  const writer = new FrameWriter(sink, resolveCompressOptions(options));
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

class FrameWriter {
  readonly #sink: ArchiveSink;
  readonly #checksum: boolean;
  readonly #table: SeekTableBuilder;
  readonly #stream: FrameStream;

  constructor(sink: ArchiveSink, options: ResolvedCompressOptions) {
    this.#sink = sink;
    this.#checksum = options.checksum;
    this.#table = new SeekTableBuilder();
    // The header's frame. Its checksum comes with the header.
    this.#table.add(HEADER_SIZE, HEADER_SIZE, 0);
    this.#stream = new FrameStream(options, (batch) => this.#append(batch), FIRST_BYTES - HEADER_SIZE);
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#stream.write(chunk);
  }

  async finish(header: Uint8Array): Promise<ZstdWriteResult> {
    const size = header.length + this.#stream.size;
    await this.#stream.flush();
    this.#stream.close();
    const checksum = this.#checksum ? (await loadChecksum())(header) : undefined;
    const frame = headerFrame(header, checksum);
    this.#table.set(0, frame.length, header.length, checksum ?? 0);
    await this.#sink.write(this.#table.encode(this.#checksum));
    const result = await this.#sink.finish(frame);
    return { ...result, size, compressedSize: result.size };
  }

  async abandon(reason: unknown): Promise<void> {
    this.#stream.close(reason);
    await this.#sink.abort(reason);
  }

  async #append(batch: CompressedBatch): Promise<void> {
    this.#table.addBatch(batch);
    await this.#sink.write(batch.frames);
  }
}
