/*
 * What a worker needs to compress. It does not import core, so that workers start quickly.
 */
import { loadNodeCodec, type NodeCodec } from "./node-codec.js";
import { nodeModule } from "./platform.js";
import { uint32 } from "./uint32.js";
import { isWebAssemblyForbidden } from "./webassembly.js";
import { startXxh64 } from "./xxh64.js";

/** Compresses content into one frame, which declares the size of the content. With a checksum, the frame ends with it. */
export type Compressor = (content: Uint8Array) => Uint8Array;

/** The encoder, or the code for checksums, does not start. */
export class CompressorStartError extends Error {
  /** Whether that is because WebAssembly may not be compiled here. */
  readonly forbidden: boolean;

  constructor(cause: unknown, forbidden: boolean) {
    super(
      forbidden
        ? "Compression needs WebAssembly, which is not allowed here. Allow 'wasm-unsafe-eval' in the page's policy; in workerd, set the compatibility flag nodejs_compat."
        : `The code for compression does not start: ${String(cause)}`,
      { cause },
    );
    this.forbidden = forbidden;
  }
}

/** Loads the encoder of the platform, and code for checksums. @throws CompressorStartError */
export async function loadCompressor(level: number, checksum: boolean): Promise<Compressor> {
  const [encode, sum] = await Promise.all([
    loadEncoder(),
    checksum ? import("xxhash-wasm").then((code) => started(startXxh64(code))) : undefined,
  ]);
  return (content) => {
    const frame = encode(content, level);
    return sum ? withChecksum(frame, sum(content)) : frame;
  };
}

/**
 * Chooses the encoder. That of Node is two to three times as fast as the one that pages can load, and up to twice as fast as
 * `zlib.zstdCompressSync`, which sets up a context for each frame. The latter is for bundles, and for workerd, which compiles no
 * WebAssembly at run time.
 */
async function loadEncoder(): Promise<NodeCodec["compress"]> {
  const codec = await loadNodeCodec();
  if (codec) return codec.compress;
  const { zstdCompressSync: compress, constants } = nodeModule("node:zlib") ?? {};
  if (compress) {
    return (content, level) =>
      compress(content, {
        params: { [constants!.ZSTD_c_compressionLevel!]: level },
        pledgedSrcSize: content.length,
      });
  }
  const { Zstd } = await import("@hpcc-js/wasm-zstd");
  const zstd = await started(Zstd.load());
  return (content, level) => zstd.compress(content, level);
}

/** What starts by compiling WebAssembly. */
async function started<T>(starting: Promise<T>): Promise<T> {
  try {
    return await starting;
  } catch (cause) {
    throw new CompressorStartError(cause, await isWebAssemblyForbidden());
  }
}

/** Appends a checksum of the content to a frame, and says so in the frame's descriptor (RFC 8878, 3.1.1). */
export function withChecksum(frame: Uint8Array, checksum: number): Uint8Array {
  const whole = new Uint8Array(frame.length + 4);
  whole.set(frame);
  whole[4]! |= 4;
  new DataView(whole.buffer).setUint32(frame.length, checksum, true);
  return whole;
}

/** Content of consecutive frames. */
export interface Batch {
  readonly content: Uint8Array;
  /** Size of each frame's content in bytes, before it is cut. */
  readonly sizes: readonly number[];
  /** Size of the pieces that hardly compressible content is cut into. */
  readonly pieceBytes: number;
}

/** Consecutive frames. */
export interface CompressedBatch {
  readonly frames: Uint8Array;
  /** What was compressed. Its buffer can be used again. */
  readonly content: Uint8Array;
  /** Size of each frame in bytes. */
  readonly sizes: readonly number[];
  /** Size of each frame's content in bytes. */
  readonly contentSizes: readonly number[];
  /** The checksum at the end of each frame; without checksums, any number. */
  readonly checksums: readonly number[];
}

/**
 * Compresses a batch. Content that does not shrink to a third is cut into smaller frames: a reader pays for compressed bytes, and such
 * content, numbers or tables, loses little by it. What precedes content decides how it is tried first.
 */
export function compressBatch(compress: Compressor, batch: Batch): CompressedBatch {
  const frames: Uint8Array[] = [];
  const contentSizes: number[] = [];
  /** Compresses content in frames of at most so many bytes. Returns the size of the frames. */
  const add = (content: Uint8Array, frameBytes: number): number => {
    let size = 0;
    for (let at = 0; at < content.length; at += frameBytes) {
      const part = content.subarray(at, at + frameBytes);
      const frame = compress(part);
      frames.push(frame);
      contentSizes.push(part.length);
      size += frame.length;
    }
    return size;
  };
  let cutting = false;
  let at = 0;
  for (const size of batch.sizes) {
    const content = batch.content.subarray(at, at + size);
    at += size;
    if (!cutting) {
      cutting = 3 * add(content, size) > size && size > batch.pieceBytes;
      if (!cutting) continue;
      frames.pop();
      contentSizes.pop();
    }
    cutting = 3 * add(content, batch.pieceBytes) > size;
  }
  const whole = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  at = 0;
  for (const frame of frames) {
    whole.set(frame, at);
    at += frame.length;
  }
  return {
    frames: whole,
    content: batch.content,
    sizes: frames.map(({ length }) => length),
    contentSizes,
    checksums: frames.map((frame) => uint32(frame, frame.length - 4)),
  };
}
