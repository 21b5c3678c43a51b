import type { Decoder } from "./codec.js";
import { KeyCache } from "./key-cache.js";
import { MsgpackCursor } from "./msgpack-cursor.js";
import { decodeMsgpack } from "./msgpack-decode.js";
import { scanMsgpack } from "./msgpack-scan.js";

/** Makes the built-in MessagePack decoder. It remembers the keys that it reads, so that one archive has one decoder. */
export function msgpackDecoder(): Decoder {
  let keys: KeyCache | undefined;
  return {
    protocol: "msgpack",
    cursor: (bytes) => new MsgpackCursor(bytes),
    check: (bytes, limits, count = 1) => scanMsgpack(bytes, count, limits),
    decode(bytes, count, { limits, maps, numpy = false }) {
      keys = KeyCache.for(bytes.length, keys);
      // Slices of a Node Buffer are views; those of a Uint8Array are copies.
      const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      const { maxItems, maxDepth, maxKeyBytes, maxHeapBytes } = limits;
      return decodeMsgpack(
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
