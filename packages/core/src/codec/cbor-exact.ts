import { PeekpackError } from "../errors.js";
import { instant, Simple, Tagged, type Value } from "../values.js";
import { MAX_ENTRIES, numberAt } from "./cbor-scan.js";
import type { MapStyle } from "./codec.js";
import { decodedMap } from "./decoded-map.js";
import { safe } from "./msgpack-exact.js";
import { decodeUtf8 } from "./utf8.js";

/** What an open container becomes when it is complete. */
type Kind = "list" | "map" | "tag";

interface Frame {
  readonly kind: Kind;
  readonly into: Value[];
  /** How many more items belong into it; a map's keys and values count one each. */
  left: number;
  /** The number of a tag. */
  readonly tag: number | bigint;
}

/** A bignum of more bytes than these is refused: the time that arithmetic takes grows faster than its length. */
const MAX_BIGNUM_BYTES = 8192;

/**
 * Decodes items that a scan has found to be well-formed, exactly as they are and without recursion: for what cbor-x
 * has ideas of its own about (tags, indefinite lengths, keys that are no strings, …), and for very deep nesting.
 *
 * Tags 0 and 1 are instants, 2 and 3 integers, 258 is a set; where one of these stands before something else, and for
 * every other tag, the value is a `Tagged`.
 * @throws PeekpackError `limit`
 */
export function decodeCborExactly(bytes: Uint8Array, count: number, style: MapStyle): Value[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const result: Value[] = [];
  const open: Frame[] = [];
  let frame: Frame = { kind: "list", into: result, left: count, tag: 0 };
  let at = 0;

  for (;;) {
    while (frame.left === 0) {
      const done = frame;
      const parent = open.pop();
      if (parent === undefined) return result;
      parent.into.push(finished(done, style, at));
      frame = parent;
    }
    const type = bytes[at++]!;
    if (type === 0xff) {
      frame.left = 0;
      continue;
    }
    frame.left--;
    const info = type & 31;
    const start = at;
    let value = info;
    if (info > 23 && info < 28) {
      value = numberAt(view, at, 1 << (info - 24));
      at += 1 << (info - 24);
    }
    const { into } = frame;
    switch (type >> 5) {
      case 0:
        into.push(wide(view, start, value, false));
        break;
      case 1:
        into.push(wide(view, start, value, true));
        break;
      case 2:
      case 3: {
        if (info !== 31) {
          into.push(type < 0x60 ? bytes.slice(at, at + value) : decodeUtf8(bytes, at, at + value));
          at += value;
          break;
        }
        const chunks: Uint8Array[] = [];
        at = collectChunks(bytes, view, at, chunks);
        const joined = join(chunks);
        // Each chunk is UTF-8 of its own, so that they can be decoded together.
        into.push(type < 0x60 ? joined : decodeUtf8(joined, 0, joined.length));
        break;
      }
      case 7:
        into.push(simpleOrFloat(view, start, info));
        break;
      default: {
        const kind: Kind = type >= 0xc0 ? "tag" : type >= 0xa0 ? "map" : "list";
        const left =
          kind === "tag" ? 1 : info === 31 ? Number.POSITIVE_INFINITY : kind === "map" ? value * 2 : value;
        open.push(frame);
        frame = { kind, into: [], left, tag: kind === "tag" ? number(view, start, value) : 0 };
      }
    }
  }
}

function finished(frame: Frame, style: MapStyle, at: number): Value {
  const { kind, into } = frame;
  if (kind === "list") return into;
  if (kind === "tag") return untagged(frame.tag, into[0], at);
  if (into.length > MAX_ENTRIES * 2) throw limit(`A map has more than ${MAX_ENTRIES} entries.`, at);
  return decodedMap(into, style);
}

/** The meaning of a tag, where it has one here and its content fits it. */
function untagged(tag: number | bigint, content: Value, at: number): Value {
  switch (tag) {
    case 0:
      return (typeof content === "string" && dateTime(content)) || new Tagged(tag, content);
    case 1:
      return epoch(content) ?? new Tagged(tag, content);
    case 2:
    case 3: {
      if (!(content instanceof Uint8Array)) break;
      if (content.length > MAX_BIGNUM_BYTES) throw limit(`An integer is ${content.length} bytes long.`, at);
      let hex = "0x0";
      for (const byte of content) hex += byte.toString(16).padStart(2, "0");
      return safe(tag === 2 ? BigInt(hex) : -1n - BigInt(hex));
    }
    case 258:
      if (!Array.isArray(content)) break;
      if (content.length > MAX_ENTRIES) throw limit(`A set has more than ${MAX_ENTRIES} items.`, at);
      return new Set(content);
  }
  return new Tagged(tag, content);
}

/** The instant that an RFC 3339 text names, to the nanosecond; undefined where it is none or finer. */
function dateTime(text: string): Value {
  const match =
    /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9})0*)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i.exec(text);
  if (match === null) return undefined;
  const [, day, time, fraction = "", sign, hours, minutes] = match;
  const local = new Date(`${day}T${time}Z`);
  // Engines take the 30th of February for the 2nd of March.
  if (Number.isNaN(local.getTime()) || local.toISOString().slice(0, 19) !== `${day}T${time}`)
    return undefined;
  const offset = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -60 : 60);
  return instant(local.getTime() / 1000 - offset, Number(fraction.padEnd(9, "0")));
}

/**
 * Seconds since 1970 as an instant. Floats are read to the microsecond, as Python does: for instants of this century
 * a double tells no finer ones apart.
 */
function epoch(seconds: Value): Value {
  if (typeof seconds === "bigint") return instant(seconds, 0);
  if (typeof seconds !== "number" || !Number.isSafeInteger(Math.floor(seconds))) return undefined;
  const whole = Math.floor(seconds);
  const micro = Math.round((seconds - whole) * 1e6);
  return micro === 1e6 ? instant(whole + 1, 0) : instant(whole, micro * 1000);
}

function simpleOrFloat(view: DataView, at: number, info: number): Value {
  switch (info) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 23:
      return undefined;
    case 24:
      return new Simple(view.getUint8(at));
    case 25:
      return half(view.getUint16(at));
    case 26:
      return view.getFloat32(at);
    case 27:
      return view.getFloat64(at);
    default:
      return new Simple(info);
  }
}

/** A half-precision float (RFC 8949, appendix D). */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  let magnitude = fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) magnitude = fraction * 2 ** -24;
  else if (exponent < 31) magnitude = (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** The number of a head, where it was read as a double: itself, or the bigint that the double could not hold. */
function number(view: DataView, at: number, value: number): number | bigint {
  return value <= Number.MAX_SAFE_INTEGER ? value : view.getBigUint64(at);
}

function wide(view: DataView, at: number, value: number, negative: boolean): number | bigint {
  // -1 - 0 is -1; of the last safe integer it is the first that is not.
  if (value < Number.MAX_SAFE_INTEGER) return negative ? -1 - value : value;
  const exact = view.getBigUint64(at);
  return safe(negative ? -1n - exact : exact);
}

function collectChunks(bytes: Uint8Array, view: DataView, start: number, chunks: Uint8Array[]): number {
  let at = start;
  for (;;) {
    const type = bytes[at++]!;
    if (type === 0xff) return at;
    const info = type & 31;
    let length = info;
    if (info > 23) {
      length = numberAt(view, at, 1 << (info - 24));
      at += 1 << (info - 24);
    }
    if (length > 0) chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}

function limit(message: string, offset: number): PeekpackError {
  return new PeekpackError("limit", message, { section: "data", offset });
}
