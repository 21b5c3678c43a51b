import { PeekpackError } from "../errors.js";
import { Ext, instant, type Value } from "../values.js";
import type { MapStyle } from "./codec.js";
import { decodedMap } from "./decoded-map.js";
import { decodeUtf8 } from "./utf8.js";

/** Decodes a list of 64-bit floats at once; see `floatList`. */
export type FloatList = (
  bytes: Uint8Array,
  view: DataView,
  at: number,
  count: number,
) => number[] | undefined;

interface Frame {
  readonly into: Value[];
  /** How many more items belong into it; a map's keys and values count one each. */
  left: number;
  readonly isMap: boolean;
}

/**
 * Decodes items that a scan has found to be well-formed, exactly as they are and without recursion: for what msgpackr
 * has ideas of its own about (extensions, keys that are no strings, big integers), and for very deep nesting. Lists of floats
 * go through `floatList`, where it is given.
 * @throws PeekpackError `corrupt` for a timestamp that is none.
 */
export function decodeMsgpackExactly(
  bytes: Uint8Array,
  count: number,
  style: MapStyle,
  floatList?: FloatList,
): Value[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const all = floatList?.(bytes, view, 0, count);
  if (all?.length === bytes.length / 9) return all;
  const result: Value[] = [];
  let frame: Frame = { into: result, left: count, isMap: false };
  const open: Frame[] = [];
  let at = 0;
  /** An unsigned number of 1, 2 or 4 bytes, by the last bits of its type. */
  const sized = (width: number): number => {
    const value = width === 0 ? view.getUint8(at) : width === 1 ? view.getUint16(at) : view.getUint32(at);
    at += 1 << width;
    return value;
  };
  const take = (length: number): Uint8Array => {
    at += length;
    return bytes.slice(at - length, at);
  };
  const text = (length: number): string => {
    at += length;
    return decodeUtf8(bytes, at - length, at);
  };

  for (;;) {
    while (frame.left === 0) {
      const done = frame;
      const parent = open.pop();
      if (parent === undefined) return result;
      parent.into.push(done.isMap ? decodedMap(done.into, style) : done.into);
      frame = parent;
    }
    frame.left--;
    const type = bytes[at++]!;
    let children = -1;
    let isMap = false;
    let value: Value;
    if (type < 0x80) value = type;
    else if (type >= 0xe0) value = type - 0x100;
    else if (type < 0xa0) {
      children = type & 15;
      isMap = type < 0x90;
    } else if (type < 0xc0) value = text(type & 31);
    else if (type === 0xc0) value = null;
    else if (type <= 0xc3) value = type === 0xc3;
    else if (type <= 0xc6) value = take(sized(type - 0xc4));
    else if (type <= 0xc9) {
      const length = sized(type - 0xc7);
      value = extension(view.getInt8(at++), take(length), at);
    } else if (type === 0xca) {
      value = view.getFloat32(at);
      at += 4;
    } else if (type === 0xcb) {
      value = view.getFloat64(at);
      at += 8;
    } else if (type <= 0xce) value = sized(type - 0xcc);
    else if (type === 0xcf || type === 0xd3) {
      value = safe(type === 0xcf ? view.getBigUint64(at) : view.getBigInt64(at));
      at += 8;
    } else if (type <= 0xd2) {
      value = type === 0xd0 ? view.getInt8(at) : type === 0xd1 ? view.getInt16(at) : view.getInt32(at);
      at += 1 << (type - 0xd0);
    } else if (type <= 0xd8) value = extension(view.getInt8(at++), take(1 << (type - 0xd4)), at);
    else if (type <= 0xdb) value = text(sized(type - 0xd9));
    else {
      isMap = type >= 0xde;
      children = sized((type & 1) + 1);
    }
    if (floatList && children > 0 && !isMap && bytes[at] === 0xcb) {
      value = floatList(bytes, view, at, children);
      if (value !== undefined) {
        at += children * 9;
        children = -1;
      }
    }
    if (children < 0) {
      frame.into.push(value);
    } else {
      open.push(frame);
      frame = { into: [], left: isMap ? children * 2 : children, isMap };
    }
  }
}

/** A number where a double holds the integer, else the bigint itself. */
export function safe(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

/** Extension −1 is a timestamp of 4, 8 or 12 bytes (MessagePack specification, "Timestamp extension type"). */
function extension(type: number, data: Uint8Array, offset: number): Value {
  if (type !== -1 || (data.length !== 4 && data.length !== 8 && data.length !== 12))
    return new Ext(type, data);
  const view = new DataView(data.buffer, data.byteOffset);
  let seconds: number | bigint;
  let nanoseconds = 0;
  if (data.length === 4) {
    seconds = view.getUint32(0);
  } else if (data.length === 8) {
    const both = view.getBigUint64(0);
    nanoseconds = Number(both >> 34n);
    seconds = Number(both & 0x3ffffffffn);
  } else {
    nanoseconds = view.getUint32(0);
    seconds = safe(view.getBigInt64(4));
  }
  if (nanoseconds > 999_999_999) {
    throw new PeekpackError("corrupt", "A timestamp has more than a second of nanoseconds.", {
      section: "data",
      offset,
    });
  }
  return instant(seconds, nanoseconds);
}
