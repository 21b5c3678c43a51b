import type { Codec } from "../codec/codec.js";
import type { Protocol } from "../format/header.js";
import { CborPacker } from "./cbor-packer.js";
import { MsgpackPacker } from "./msgpack-packer.js";
import type { Packer } from "./packer.js";

/** How values are encoded. With the defaults the bytes are those that the Python package writes with its defaults. */
export interface EncodeOptions {
  /** "msgpack" (default), "cbor", or an object that adds encodings of its own to one of them. */
  readonly codec?: Protocol | Codec | undefined;
  /** Containers of fewer bytes than this get no entries in the table for their children. Default 8192. */
  readonly smallObjectThreshold?: number | undefined;
  /** Items of at most this many bytes are trivial: the table describes a list of them by blocks. Default 20. */
  readonly trivialSize?: number | undefined;
  /**
   * The backend of the reference whose bytes are written. The two differ only at sizes equal to the threshold, and in the range
   * of integers. Default "python".
   */
  readonly profile?: "python" | "rust" | undefined;
  /** "sorted" (default) sorts the members of a Set, as the reference does; "insertion" keeps their order. */
  readonly sets?: "sorted" | "insertion" | undefined;
  /** "fraction" (default): integral numbers within ±(2^53 − 1) become integers, others floats. "all": every number becomes a float. */
  readonly floats?: "fraction" | "all" | undefined;
  /** "rows" (default) writes an NdArray as nested lists; "pickle" as the byte string of the reference's array encoder. */
  readonly numpy?: "rows" | "pickle" | undefined;
  /**
   * Whether a page index follows the table of contents, so that one value can be found without reading the whole table. "auto"
   * (default): if the table is larger than 1 MiB. true: if it is larger than 8 KiB. false: never. A map that holds the same
   * key twice, and a table of 4 GiB or more, cannot be indexed. Readers that do not know it ignore it.
   */
  readonly pageIndex?: "auto" | boolean | undefined;
  /** Limit for the nesting of containers. Default 1000. Deeper values, and cyclic ones, are rejected. The reference reads 400 levels. */
  readonly maxDepth?: number | undefined;
}

/** The options with every default filled in. */
export interface ResolvedEncodeOptions {
  readonly protocol: Protocol;
  readonly custom: Codec | undefined;
  readonly threshold: number;
  readonly trivialSize: number;
  readonly profile: "python" | "rust";
  readonly sets: "sorted" | "insertion";
  readonly floats: "fraction" | "all";
  readonly numpy: "rows" | "pickle";
  readonly pageIndex: "auto" | boolean;
  readonly maxDepth: number;
}

/**
 * Fills in the defaults. Lowers a trivial size above the threshold to the threshold, as the reference does.
 * @throws TypeError or RangeError for an option of the wrong type or value
 */
export function resolveEncodeOptions(options: EncodeOptions = {}): ResolvedEncodeOptions {
  const { codec = "msgpack" } = options;
  const protocol = typeof codec === "object" && codec !== null ? codec.protocol : codec;
  oneOf("codec", protocol, ["msgpack", "cbor"]);
  const threshold = size("smallObjectThreshold", options.smallObjectThreshold ?? 8192, 0);
  return {
    protocol,
    custom: typeof codec === "object" ? codec : undefined,
    threshold,
    // In the reference a threshold of 0 asks for an entry for every value, and does not lower the trivial size.
    trivialSize: Math.min(
      size("trivialSize", options.trivialSize ?? 20, 0),
      threshold || Number.MAX_SAFE_INTEGER,
    ),
    profile: oneOf("profile", options.profile ?? "python", ["python", "rust"]),
    sets: oneOf("sets", options.sets ?? "sorted", ["sorted", "insertion"]),
    floats: oneOf("floats", options.floats ?? "fraction", ["fraction", "all"]),
    numpy: oneOf("numpy", options.numpy ?? "rows", ["rows", "pickle"]),
    pageIndex: checkedPageIndex(options.pageIndex),
    maxDepth: size("maxDepth", options.maxDepth ?? 1000, 1),
  };
}

/** The option `pageIndex`. @throws TypeError if it is neither "auto" nor a boolean */
export function checkedPageIndex(value: EncodeOptions["pageIndex"] = "auto"): "auto" | boolean {
  if (value !== "auto" && typeof value !== "boolean")
    throw new TypeError('pageIndex is "auto", true or false.');
  return value;
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value)) {
    throw new TypeError(`${name} is one of ${allowed.map((word) => `"${word}"`).join(", ")}.`);
  }
  return value;
}

function size(name: string, value: number, least: number): number {
  if (typeof value !== "number") throw new TypeError(`${name} is a number.`);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} is an integer of at least ${least}.`);
  }
  return value;
}

/** Makes a packer for a codec. `bytes`: its buffer, or the size of one. */
export function packerFor(protocol: Protocol, bytes: number | Uint8Array<ArrayBuffer>): Packer {
  return protocol === "cbor" ? new CborPacker(bytes) : new MsgpackPacker(bytes);
}
