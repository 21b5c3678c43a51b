import { PeekpackError } from "@peekpack/core";
import { loadFeature } from "@peekpack/core/internal";
import { isWebAssemblyForbidden } from "./webassembly.js";
import { type Checksum, startXxh64 } from "./xxh64.js";

/**
 * Loads the code for checksums.
 * @throws PeekpackError `network` if it cannot be loaded or started, `denied` if the page forbids WebAssembly
 */
export async function loadChecksum(): Promise<Checksum> {
  const code = await loadFeature("checksums", () => import("xxhash-wasm"));
  try {
    return await startXxh64(code);
  } catch (cause) {
    const forbidden = await isWebAssemblyForbidden();
    throw new PeekpackError(
      forbidden ? "denied" : "network",
      forbidden
        ? "Checksums are computed by WebAssembly, which is not allowed here. Allow 'wasm-unsafe-eval' in the page's policy, or set checksum: false."
        : `The code for checksums does not start: ${String(cause)}`,
      { section: "source", cause },
    );
  }
}
