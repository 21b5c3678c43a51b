import { Unpackr } from "msgpackr";
import type { Value } from "../values.js";
import type { Codec } from "./codec.js";

/**
 * Makes a codec that decodes MessagePack values with msgpackr, for `openArchive`.
 *
 * It is for applications that registered extension types with msgpackr's `addExtension`, and for Node where values are mostly
 * text: msgpackr's native addon reads texts up to twice as fast. The built-in decoder is faster for everything else
 * (benchmarks, "decode"), and exact: msgpackr drops a byte order mark at the start of a text, makes text of all keys of a
 * plain object, and has extension types of its own.
 */
export function msgpackrCodec(): Codec {
  // "auto" (a number where a double holds the integer) is documented and missing in the types.
  const common = { useRecords: false, int64AsType: "auto" as "number", copyBuffers: true };
  const objects = new Unpackr({ ...common, mapsAsObjects: true });
  const maps = new Unpackr({ ...common, mapsAsObjects: false });
  return {
    protocol: "msgpack",
    decode(bytes, count, options) {
      const unpackr = options.maps === "map" ? maps : objects;
      if (count === 1) return [unpackr.unpack(bytes) as Value];
      // As one list: msgpackr is a fifth slower with single items.
      const list = new Uint8Array(5 + bytes.length);
      list[0] = 0xdd;
      new DataView(list.buffer).setUint32(1, count);
      list.set(bytes, 5);
      return unpackr.unpack(list) as Value[];
    },
  };
}
