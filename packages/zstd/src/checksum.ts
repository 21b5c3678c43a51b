import { PeekpackError } from "@peekpack/core";
import { loadFeature } from "@peekpack/core/internal";

/** Gives the low half of XXH64 of bytes. */
export type Checksum = (bytes: Uint8Array) => number;

/**
 * Loads the code for checksums.
 * @throws PeekpackError `network` if it cannot be loaded, `denied` if the page forbids WebAssembly
 */
export async function loadChecksum(): Promise<Checksum> {
  const { default: xxhash } = await loadFeature("checksums", () => import("xxhash-wasm"));
  try {
    const { h64Raw } = await xxhash();
    return (bytes) => Number(BigInt.asUintN(32, h64Raw(bytes)));
  } catch (cause) {
    throw new PeekpackError(
      "denied",
      "Checksums are computed by WebAssembly, which is not allowed here. Allow 'wasm-unsafe-eval' in the page's policy, or set checksum: false.",
      { section: "source", cause },
    );
  }
}
