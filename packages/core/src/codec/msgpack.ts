import type { Decoded, DecodeOptions, Decoder } from "./codec.js";
import { MsgpackCursor } from "./msgpack-cursor.js";
import { decodeMsgpackExactly, type FloatList } from "./msgpack-exact.js";
import { BYTES, DEEP, EXACT, FLOATS, ODD_KEYS, scanMsgpack } from "./msgpack-scan.js";
import type { Unpack } from "./msgpackr.js";

/** A value of so many bytes waits for msgpackr; so many bytes in smaller ones have it loaded meanwhile. */
const WORTH_A_WAIT = 16 * 1024;
const WORTH_LOADING = 64 * 1024;

/**
 * The built-in MessagePack decoder. Every item is scanned before it is decoded; msgpackr then decodes what it decodes
 * faithfully, which is nearly everything, and the exact decoder the rest. That takes twice as long, and is a quarter of the
 * size: as long as only a few small values were read, it does the work alone, and a page loads no msgpackr.
 */
export function msgpackDecoder(): Decoder {
  let unpack: Unpack | undefined;
  let floats: FloatList | undefined;
  let loading: Promise<void> | undefined;
  /** Bytes decoded so far. */
  let seen = 0;
  const load = (): Promise<void> => {
    loading ??= import("./msgpackr.js")
      .then(
        ({ unpacker, floatList }) => {
          unpack = unpacker();
          floats = floatList;
        },
        // The exact decoder goes on, and the next large value tries again.
        () => {},
      )
      .finally(() => {
        loading = undefined;
      });
    return loading;
  };
  return {
    protocol: "msgpack",
    cursor: (bytes) => new MsgpackCursor(bytes),
    check: (bytes, limits, count = 1) => void scanMsgpack(bytes, count, limits),
    prepare(bytes) {
      return unpack === undefined && bytes >= WORTH_A_WAIT ? load() : undefined;
    },
    decode(bytes, count, options: DecodeOptions): Decoded {
      const found = scanMsgpack(bytes, count, options.limits);
      seen += bytes.length;
      if (unpack === undefined && seen >= WORTH_LOADING) void load();
      const hasBytes = (found & BYTES) !== 0;
      const odd = found & (EXACT | DEEP | FLOATS | (options.maps === "map" ? 0 : ODD_KEYS));
      const values =
        odd !== 0 || unpack === undefined
          ? decodeMsgpackExactly(bytes, count, options.maps, floats)
          : unpack(bytes, count, options.maps);
      return { values, hasBytes };
    },
  };
}
