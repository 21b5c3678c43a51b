import { PeekpackError } from "../errors.js";
import type { Limits } from "../limits.js";
import { BYTES, DEEP, EXACT, ODD_KEYS, REGULAR } from "./msgpack-scan.js";
import { isUtf8 } from "./utf8.js";

/** Nesting from which a recursive decoder might overflow the stack. */
const RECURSION = 1500;
/** Engines refuse larger Maps (V8: 2^24 entries), and cbor-x larger objects. */
export const MAX_ENTRIES = 16_700_000;
/** cbor-x refuses larger arrays, as engines do not far beyond. */
const MAX_ELEMENTS = 112_800_000;

/**
 * Walks over `count` items that must fill `bytes` exactly, and checks all that decoding relies on: every length against
 * the bytes that are there, before anything is allocated; nesting, tags included; UTF-8; what RFC 8949 calls not
 * well-formed. Returns what was found, as flags: above all what cbor-x would change in silence.
 *
 * - `EXACT`: tags, indefinite lengths, simple values, integers that a double cannot hold, texts that begin with a BOM.
 * - `ODD_KEYS`: keys that are no strings, or `__proto__`.
 * - `DEEP`: nesting too deep for recursion.
 * - `BYTES`: byte strings, which cbor-x decodes as they are.
 *
 * @throws PeekpackError `corrupt`, `truncated`, `limit`
 */
export function scanCbor(bytes: Uint8Array, count: number, limits: Limits): number {
  const size = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  let found = REGULAR;
  let at = 0;
  // What is open: how many items (or entries, of a map) are left, with the sign turned for a map; of what has an
  // indefinite length, infinitely many.
  let stack = new Float64Array(64);
  let depth = 0;
  let left = count;
  let inMap = false;
  let items = count;
  if (items > limits.maxItems) throw tooMany(0, limits);

  for (;;) {
    while (left === 0) {
      if (depth === 0) {
        if (at === size) return found;
        throw fail("corrupt", at, `${size - at} bytes are left behind the value.`);
      }
      left = stack[--depth]!;
      inMap = left < 0;
      if (inMap) left = -left - 1;
    }
    if (at >= size) throw short(at, size);
    if (left === Number.POSITIVE_INFINITY) {
      if (bytes[at] === 0xff) {
        at++;
        left = 0;
        continue;
      }
      items += inMap ? 2 : 1;
      if (items > limits.maxItems) throw tooMany(at, limits);
    }
    left--;
    if (inMap) {
      const type = bytes[at]!;
      if (type >= 0x60 && type < 0x7c) {
        const start = at++;
        let length = type & 31;
        if (length > 23) {
          const width = 1 << (length - 24);
          if (at + width > size) throw short(start, size);
          length = numberAt(view, at, width);
          at += width;
        }
        if (length > size - at) throw short(start, size);
        if (length > limits.maxKeyBytes) {
          throw fail("limit", start, `A key is ${length} bytes long (limit maxKeyBytes).`);
        }
        // `__proto__` is 9 bytes long.
        if (length === 9 && bytes[at] === 0x5f && bytes[at + 1] === 0x5f) found |= ODD_KEYS;
        const end = at + length;
        let high = 0;
        for (; at + 4 <= end; at += 4) high |= view.getInt32(at) & 0x80808080;
        for (; at < end; at++) high |= bytes[at]! & 0x80;
        if (high !== 0) found |= checkText(bytes, end - length, end);
        if (at >= size) throw short(at, size);
      } else {
        // Not a text of definite length: the key and the value are two ordinary items.
        found |= ODD_KEYS;
        if (depth === stack.length) stack = widen(stack, depth);
        stack[depth++] = -left - 1;
        left = 1;
        inMap = false;
      }
    }

    const start = at;
    const type = bytes[at++]!;
    if (type < 0x18 || (type >= 0x20 && type < 0x38)) continue;
    if (type === 0xfb) {
      at += 8;
      if (at > size) throw short(start, size);
      continue;
    }
    // The number in the head; infinite where it says that the length is indefinite.
    let value = type & 31;
    if (value > 27) {
      if (value < 31) throw fail("corrupt", start, "A reserved length stands in the head of an item.");
      value = Number.POSITIVE_INFINITY;
    } else if (value > 23) {
      const width = 1 << (value - 24);
      if (at + width > size) throw short(start, size);
      value = numberAt(view, at, width);
      at += width;
    }
    let children = 1;
    let map = false;
    switch (type >> 5) {
      case 0:
      case 1:
        if (value === Number.POSITIVE_INFINITY) throw fail("corrupt", start, "An integer has no length.");
        // The last safe one too, because its negative counterpart is not safe.
        if (value >= Number.MAX_SAFE_INTEGER) found |= EXACT;
        continue;
      case 2:
      case 3: {
        if (type < 0x60) found |= BYTES;
        if (value === Number.POSITIVE_INFINITY) {
          at = scanChunks(bytes, view, start, size);
          found |= EXACT;
          continue;
        }
        if (value > size - at) throw short(start, size);
        const end = at + value;
        if (type >= 0x60) {
          let high = 0;
          for (; at + 4 <= end; at += 4) high |= view.getInt32(at) & 0x80808080;
          for (; at < end; at++) high |= bytes[at]! & 0x80;
          if (high !== 0) found |= checkText(bytes, end - value, end);
        }
        at = end;
        continue;
      }
      case 4:
      case 5:
        map = type >= 0xa0;
        children = value;
        if (value === Number.POSITIVE_INFINITY) {
          found |= EXACT;
          break;
        }
        if (value === 0) continue;
        if ((map ? value * 2 : value) > size - at) {
          throw fail("truncated", start, `${value} items are announced; only ${size - at} bytes are left.`);
        }
        items += map ? value * 2 : value;
        if (items > limits.maxItems || value > (map ? MAX_ENTRIES : MAX_ELEMENTS))
          throw tooMany(start, limits);
        break;
      case 6:
        if (value === Number.POSITIVE_INFINITY) throw fail("corrupt", start, "A tag has no number.");
        found |= EXACT;
        break;
      default:
        if (type === 0xff) throw fail("corrupt", start, "A break stands outside of what it could end.");
        // Below 32 a simple value of two bytes is not well-formed (RFC 8949, section 3.3).
        if (type === 0xf8 && value < 32) throw fail("corrupt", start, "A reserved simple value.");
        if (type < 0xf4 || type === 0xf8) found |= EXACT;
        continue;
    }
    if (depth >= limits.maxDepth) {
      throw fail("limit", start, `Nested more than ${limits.maxDepth} levels deep (limit maxDepth).`);
    }
    if (depth === RECURSION) found |= DEEP;
    if (depth === stack.length) stack = widen(stack, depth);
    stack[depth++] = inMap ? -left - 1 : left;
    left = children;
    inMap = map;
  }
}

/** An unsigned number of 1, 2, 4 or 8 bytes, as near as a double comes to it. */
export function numberAt(view: DataView, at: number, width: number): number {
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at);
  return width === 4 ? view.getUint32(at) : view.getUint32(at) * 0x100000000 + view.getUint32(at + 4);
}

/** Checks a text or byte string in chunks, from its head at `start`; returns the place behind its break. */
function scanChunks(bytes: Uint8Array, view: DataView, start: number, size: number): number {
  const major = bytes[start]! & 0xe0;
  let at = start + 1;
  for (;;) {
    if (at >= size) throw short(start, size);
    const type = bytes[at++]!;
    if (type === 0xff) return at;
    const info = type & 31;
    if ((type & 0xe0) !== major || info > 27) {
      throw fail("corrupt", at - 1, "A string in chunks holds something that is no chunk of it.");
    }
    let length = info;
    if (info > 23) {
      const width = 1 << (info - 24);
      if (at + width > size) throw short(start, size);
      length = numberAt(view, at, width);
      at += width;
    }
    if (length > size - at) throw short(start, size);
    if (major === 0x60) checkText(bytes, at, at + length);
    at += length;
  }
}

/** Looks closely at a text; `EXACT` where it begins with a byte order mark, which cbor-x would swallow. */
function checkText(bytes: Uint8Array, start: number, end: number): number {
  if (!isUtf8(bytes, start, end)) throw fail("corrupt", start, "A text is not UTF-8.");
  return bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf ? EXACT : REGULAR;
}

function widen(stack: Float64Array<ArrayBuffer>, depth: number): Float64Array<ArrayBuffer> {
  const wide = new Float64Array(depth * 2);
  wide.set(stack);
  return wide;
}

function tooMany(at: number, limits: Limits): PeekpackError {
  return fail("limit", at, `More than ${limits.maxItems} items in one value (limit maxItems).`);
}

function short(at: number, size: number): PeekpackError {
  return fail("truncated", at, `The value goes on beyond its ${size} bytes.`);
}

function fail(code: "corrupt" | "truncated" | "limit", offset: number, message: string): PeekpackError {
  return new PeekpackError(code, message, { section: "data", offset });
}
