// Of cbor-x's builds the one with state of its own: what an application registers with cbor-x, or its native reader
// of strings (which fails on some well-formed input), does not reach it. It is also free of `new Function`.
import { Decoder as CborX } from "cbor-x/decode-no-eval";
import type { Value } from "../values.js";
import { CborCursor } from "./cbor-cursor.js";
import { decodeCborExactly } from "./cbor-exact.js";
import { scanCbor } from "./cbor-scan.js";
import type { Decoded, DecodeOptions, Decoder } from "./codec.js";
import { BYTES, DEEP, EXACT, ODD_KEYS } from "./msgpack-scan.js";

/**
 * The built-in CBOR decoder. Every item is scanned before it is decoded; cbor-x then decodes what it decodes faithfully,
 * which is nearly everything, and the exact decoder the rest. cbor-x never sees a tag: it takes several for its own.
 */
export function cborDecoder(): Decoder {
  // 64-bit integers that come here are safe: without the option even small ones would become bigints.
  const common = { useRecords: false, int64AsNumber: true, copyBuffers: true };
  const objects = new CborX({ ...common, mapsAsObjects: true });
  const maps = new CborX({ ...common, mapsAsObjects: false });
  return {
    protocol: "cbor",
    cursor: (bytes) => new CborCursor(bytes),
    check: (bytes, limits, count = 1) => void scanCbor(bytes, count, limits),
    decode(source, count, options: DecodeOptions): Decoded {
      // A view of our own: cbor-x leaves a property on what it is given, and a Buffer's slices would not be copies.
      const bytes = new Uint8Array(source.buffer, source.byteOffset, source.length);
      const found = scanCbor(bytes, count, options.limits);
      const hasBytes = (found & BYTES) !== 0;
      const odd = found & (options.maps === "map" ? EXACT | DEEP : EXACT | DEEP | ODD_KEYS);
      if (odd !== 0) return { values: decodeCborExactly(bytes, count, options.maps), hasBytes };
      if (count === 0) return { values: [], hasBytes };
      const decoder = options.maps === "map" ? maps : objects;
      const values =
        count === 1 ? [decoder.decode(bytes) as Value] : (decoder.decodeMultiple(bytes) as Value[]);
      return { values, hasBytes };
    },
  };
}
