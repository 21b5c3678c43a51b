import { CborCursor } from "./cbor-cursor.js";
import { decodeCbor } from "./cbor-decode.js";
import { scanCbor } from "./cbor-scan.js";
import type { Decoder } from "./codec.js";
import { KeyCache } from "./key-cache.js";

/** Makes the built-in CBOR decoder. It remembers the keys that it reads, so that one archive has one decoder. */
export function cborDecoder(): Decoder {
  let keys: KeyCache | undefined;
  return {
    protocol: "cbor",
    cursor: (bytes) => new CborCursor(bytes),
    check: (bytes, limits, count = 1) => scanCbor(bytes, count, limits),
    decode(bytes, count, { limits, maps, numpy = false }) {
      keys = KeyCache.for(bytes.length, keys);
      // Slices of a Node Buffer are views; those of a Uint8Array are copies.
      const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      const { maxItems, maxDepth, maxKeyBytes, maxHeapBytes } = limits;
      return decodeCbor(
        plain,
        count,
        keys,
        numpy,
        maps === "map",
        maxItems,
        maxDepth,
        maxKeyBytes,
        maxHeapBytes,
      );
    },
  };
}
