import { loadFeature } from "@peekpack/core/internal";
import type { FrameHeader } from "./frame-header.js";
import { loadNodeCodec } from "./node-codec.js";
import { nodeModule } from "./platform.js";
import { damaged } from "./zstd-error.js";

/**
 * Decodes a whole frame into a new array of `size` bytes, and never takes more memory than that and the window.
 * Throws or rejects with an error if the frame does not decode to exactly so many bytes.
 */
export type Decompressor = (
  frame: Uint8Array,
  header: FrameHeader,
  size: number,
) => Uint8Array | Promise<Uint8Array>;

/**
 * Chooses the fastest decoder of the platform: Node's own, the browser's own, else WebAssembly in Node, and JavaScript in pages.
 * @throws PeekpackError `network` if its code cannot be loaded
 */
export async function loadDecompressor(): Promise<Decompressor> {
  const zlib = nodeModule("node:zlib");
  if (zlib?.zstdDecompressSync) {
    const decompress = zlib.zstdDecompressSync;
    // The window is checked already. 31 is the largest that the format has on a 64-bit platform.
    const params = { [zlib.constants.ZSTD_d_windowLogMax!]: 31 };
    return (frame, _header, size) => {
      const options = { params, maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size) };
      return whole(decompress(frame, options), size);
    };
  }
  if (hasZstdStream()) return decompressByStream;
  const codec = await loadNodeCodec();
  if (!codec) return loadFrameDecoder();
  return (frame, header, size) => {
    if (size > MAX_CODEC_BYTES) return loadFrameDecoder().then((decode) => decode(frame, header, size));
    return whole(codec.decompress(frame, size), size);
  };
}

/** The codec of Node does not notice that its memory, 2 GiB at most, is full. */
const MAX_CODEC_BYTES = 64 * 1024 * 1024;

/** The bytes of a Buffer, if they are as many as they should be. */
function whole({ buffer, byteOffset, length }: Uint8Array, size: number): Uint8Array {
  if (length !== size) throw damaged();
  return new Uint8Array(buffer, byteOffset, length);
}

async function loadFrameDecoder(): Promise<Decompressor> {
  const { frameDecoder } = await loadFeature("decompression", () => import("./frame-decoder.js"));
  return frameDecoder();
}

/** The type of compression streams does not know the format yet. */
const FORMAT = "zstd" as CompressionFormat;

/** Whether the browser decodes Zstandard. */
function hasZstdStream(): boolean {
  try {
    return new DecompressionStream(FORMAT) !== undefined;
  } catch {
    return false;
  }
}

async function decompressByStream(
  frame: Uint8Array,
  _header: FrameHeader,
  size: number,
): Promise<Uint8Array> {
  const stream = new DecompressionStream(FORMAT);
  const writer = stream.writable.getWriter();
  // A failure is seen by the reader.
  writer.write(frame as Uint8Array<ArrayBuffer>).catch(() => {});
  writer.close().catch(() => {});
  const out = new Uint8Array(size);
  const reader = stream.readable.getReader();
  for (let at = 0; ; ) {
    const { done, value } = await reader.read();
    if (done && at === size) return out;
    if (done || at + value.length > size) {
      reader.cancel().catch(() => {});
      throw damaged();
    }
    out.set(value, at);
    at += value.length;
  }
}
