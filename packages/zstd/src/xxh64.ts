/** Gives the low half of XXH64 of bytes: what the Zstandard format takes for a checksum. */
export type Checksum = (bytes: Uint8Array) => number;

/** The code for checksums. It is loaded apart from its start, because the two fail for different reasons. */
export type XxhashCode = typeof import("xxhash-wasm");

/** Starts the code for checksums: compiles WebAssembly. */
export async function startXxh64({ default: xxhash }: XxhashCode): Promise<Checksum> {
  const { h64Raw } = await xxhash();
  return (bytes) => Number(BigInt.asUintN(32, h64Raw(bytes)));
}
