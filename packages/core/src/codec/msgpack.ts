import { Unpackr } from "#msgpackr";
import type { Value } from "../values.js";
import type { Decoded, DecodeOptions, Decoder } from "./codec.js";
import { MsgpackCursor } from "./msgpack-cursor.js";
import { decodeMsgpackExactly } from "./msgpack-exact.js";
import { BYTES, DEEP, EXACT, ODD_KEYS, scanMsgpack } from "./msgpack-scan.js";

/**
 * The built-in MessagePack decoder. Every item is scanned before it is decoded; msgpackr then decodes what it decodes
 * faithfully, which is nearly everything, and the exact decoder the rest.
 */
export function msgpackDecoder(): Decoder {
  // "auto" (a number where a double holds the integer) is documented and missing in the types.
  const common = { useRecords: false, int64AsType: "auto" as "number", copyBuffers: true };
  const objects = new Unpackr({ ...common, mapsAsObjects: true });
  const maps = new Unpackr({ ...common, mapsAsObjects: false });
  return {
    protocol: "msgpack",
    cursor: (bytes) => new MsgpackCursor(bytes),
    check: (bytes, limits, count = 1) => void scanMsgpack(bytes, count, limits),
    decode(bytes, count, options: DecodeOptions): Decoded {
      const found = scanMsgpack(bytes, count, options.limits);
      const hasBytes = (found & BYTES) !== 0;
      const odd = found & (options.maps === "map" ? EXACT | DEEP : EXACT | DEEP | ODD_KEYS);
      if (odd !== 0) {
        return { values: decodeMsgpackExactly(bytes, count, options.maps), hasBytes };
      }
      const unpackr = options.maps === "map" ? maps : objects;
      const values =
        count === 1 ? [unpackr.unpack(bytes) as Value] : (unpackr.unpackMultiple(bytes) as Value[]);
      return { values, hasBytes };
    },
  };
}
