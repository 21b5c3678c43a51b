/** The parts of `node:zlib` that Node has from 22.15 on. */
interface NodeZstd {
  readonly constants: Readonly<Record<string, number>>;
  zstdCompressSync?(content: Uint8Array, options: object): Uint8Array;
  zstdDecompressSync?(frame: Uint8Array, options: object): Uint8Array;
}

/** A built-in module of Node. Undefined elsewhere. Bundlers do not see it. */
export function nodeModule(name: "node:worker_threads"): typeof import("node:worker_threads") | undefined;
export function nodeModule(name: "node:fs"): typeof import("node:fs") | undefined;
export function nodeModule(name: "node:module"): typeof import("node:module") | undefined;
export function nodeModule(name: "node:os"): typeof import("node:os") | undefined;
export function nodeModule(name: "node:zlib"): NodeZstd | undefined;
export function nodeModule(name: string): unknown {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.(name);
}
