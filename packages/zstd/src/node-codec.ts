import { nodeModule } from "./platform.js";

/** Encoder and decoder for Node: WebAssembly with SIMD. Neither takes more memory than the content, the frame and its tables. */
export interface NodeCodec {
  /** Compresses content into one frame without a checksum. */
  compress(content: Uint8Array, level: number): Uint8Array;
  /** Decodes a frame into at most `size` bytes. Throws if it does not decode, or holds more. */
  decompress(frame: Uint8Array, size: number): Uint8Array;
}

/**
 * Loads `@foxglove/wasm-zstd`, which reads its code from a file. Undefined outside of Node, and in bundles, which do not contain the
 * file. Bundlers do not see it.
 */
export async function loadNodeCodec(): Promise<NodeCodec | undefined> {
  try {
    const load = nodeModule("node:module")?.createRequire(import.meta.url);
    if (!load) return undefined;
    // If the file is missing or may not be read, the package ends the process by a rejection that nobody can catch.
    nodeModule("node:fs")?.accessSync(load.resolve("@foxglove/wasm-zstd/dist/wasm-zstd.wasm"));
    const codec = load("@foxglove/wasm-zstd") as typeof import("@foxglove/wasm-zstd");
    await codec.isLoaded;
    return codec;
  } catch {
    // A bundle, or a runtime that only resembles Node.
    return undefined;
  }
}
