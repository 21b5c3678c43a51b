export { floatList } from "./float-list.js";

import { Unpackr } from "#msgpackr";
import type { Value } from "../values.js";
import type { MapStyle } from "./codec.js";

/** Decodes `count` items that were scanned, and in which nothing was found that msgpackr would change. */
export type Unpack = (bytes: Uint8Array, count: number, style: MapStyle) => Value[];

/** msgpackr's decoder: a chunk of its own, loaded for values that are worth it. */
export function unpacker(): Unpack {
  // "auto" (a number where a double holds the integer) is documented and missing in the types.
  const common = { useRecords: false, int64AsType: "auto" as "number", copyBuffers: true };
  const objects = new Unpackr({ ...common, mapsAsObjects: true });
  const maps = new Unpackr({ ...common, mapsAsObjects: false });
  return (bytes, count, style) => {
    const unpackr = style === "map" ? maps : objects;
    if (count === 1) return [unpackr.unpack(bytes) as Value];
    // As one list: msgpackr is a fifth slower where it gives the items one by one.
    const list = new Uint8Array(5 + bytes.length);
    list[0] = 0xdd;
    new DataView(list.buffer).setUint32(1, count);
    list.set(bytes, 5);
    return unpackr.unpack(list) as Value[];
  };
}
