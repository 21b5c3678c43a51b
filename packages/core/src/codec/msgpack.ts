import { Unpackr } from "#msgpackr";
import type { Value } from "../values.js";
import type { Decoded, DecodeOptions, Decoder } from "./codec.js";
import { MsgpackCursor } from "./msgpack-cursor.js";
import { decodeMsgpackExactly } from "./msgpack-exact.js";
import { BYTES, DEEP, EXACT, FLOATS, ODD_KEYS, scanMsgpack } from "./msgpack-scan.js";

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
      const odd = found & (EXACT | DEEP | FLOATS | (options.maps === "map" ? 0 : ODD_KEYS));
      if (odd !== 0) {
        return { values: decodeMsgpackExactly(bytes, count, options.maps), hasBytes };
      }
      const unpackr = options.maps === "map" ? maps : objects;
      if (count === 1) return { values: [unpackr.unpack(bytes) as Value], hasBytes };
      // As one list: msgpackr is a fifth slower where it gives the items one by one.
      const list = new Uint8Array(5 + bytes.length);
      list[0] = 0xdd;
      new DataView(list.buffer).setUint32(1, count);
      list.set(bytes, 5);
      return { values: unpackr.unpack(list) as Value[], hasBytes };
    },
  };
}
