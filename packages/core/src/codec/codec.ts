import type { Cursor } from "../format/cursor.js";
import type { Protocol } from "../format/header.js";
import type { Limits } from "../limits.js";
import type { Value } from "../values.js";

/** How decoded maps are made: plain objects where every key is a string (default), or always `Map`. */
export type MapStyle = "object" | "map";

/** What decoding needs to know. */
export interface DecodeOptions {
  readonly maps: MapStyle;
  readonly limits: Limits;
  /** Whether arrays replace byte strings that are pickled numpy arrays, once the values are decoded. Default false. */
  readonly numpy?: boolean | undefined;
}

/**
 * What turns bytes into values. Archives name their own codec; pass an object of this type to `openArchive` or
 * `encodeArchive` to take over single steps of one of the two protocols.
 */
export interface Codec {
  /** The protocol whose bytes this codec reads and writes. */
  readonly protocol: Protocol;
  /**
   * Encodes one value that is not a container: exactly one item in the protocol. `undefined` leaves the value to the
   * built-in encoder. Asked for values of every type but strings, numbers, booleans, null and containers.
   */
  encode?(value: unknown): Uint8Array | undefined;
  /**
   * Decodes `count` items that fill `bytes` exactly, one after the other. Without it the built-in decoder is used.
   * `bytes` may be a view of a larger buffer; do not keep or change it.
   */
  decode?(bytes: Uint8Array, count: number, options: DecodeOptions): Value[];
}

/** A codec that can do everything that reading needs: the two built-in ones. */
export interface Decoder {
  readonly protocol: Protocol;
  /**
   * Decodes `count` items that fill `bytes` exactly. Byte strings are copies, except an item that is itself one that may be
   * a pickled numpy array: with `numpy` it is a view.
   * @throws PeekpackError `corrupt`, `truncated`, `limit`
   */
  decode(bytes: Uint8Array, count: number, options: DecodeOptions): Decoded;
  /** A cursor over bytes that were checked. */
  cursor(bytes: Uint8Array): Cursor;
  /**
   * Checks that `count` (one unless given) well-formed items fill `bytes` exactly, within the limits.
   * @throws PeekpackError `corrupt`, `truncated`, `limit`
   */
  check(bytes: Uint8Array, limits: Limits, count?: number): void;
}

/** What a decoder gives. */
export interface Decoded {
  readonly values: Value[];
  /** Whether byte strings among the values, or in them, may be pickled numpy arrays. Always false without `numpy`. */
  readonly hasPickles: boolean;
  /** How many items were decoded, containers counted with their contents. */
  readonly items?: number;
  /** Estimated memory of the values, in bytes. */
  readonly heap?: number;
}
