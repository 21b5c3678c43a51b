/** Gives the low half of XXH64 of bytes: what the Zstandard format takes for a checksum. */
export type Checksum = (bytes: Uint8Array) => number;

/** Loads the code for checksums. */
export async function loadXxh64(): Promise<Checksum> {
  const { default: xxhash } = await import("xxhash-wasm");
  const { h64Raw } = await xxhash();
  return (bytes) => Number(BigInt.asUintN(32, h64Raw(bytes)));
}
