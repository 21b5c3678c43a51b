import { PeekpackError } from "../errors.js";
import type { Limits } from "../reader/limits.js";
import { isUtf8 } from "./utf8.js";

/** What a scan found that msgpackr would change in silence: no such thing. */
export const REGULAR = 0;
/** Extensions, integers that a double cannot hold, texts that begin with a BOM. */
export const EXACT = 1;
/** Keys that are no strings, or `__proto__`: a plain object made by msgpackr would not keep them. */
export const ODD_KEYS = 2;
/** Nesting so deep that a recursive decoder might overflow the stack. */
export const DEEP = 4;
/** Byte strings, which may be numpy arrays. msgpackr decodes them as they are. */
export const BYTES = 8;

const RECURSION = 1500;

/**
 * Walks over `count` items that must fill `bytes` exactly, and checks all that decoding relies on: every length against
 * the bytes that are there, before anything is allocated; nesting; UTF-8; reserved bytes. Returns what was found.
 *
 * Whole archives pass through here before they are decoded, so that it is written for speed: one loop, no calls per
 * item, words instead of bytes where a text is looked through for bytes that are not ASCII. It costs about a tenth
 * of the decoding (benchmarks, "decode").
 *
 * @throws PeekpackError `corrupt`, `truncated`, `limit`
 */
export function scanMsgpack(bytes: Uint8Array, count: number, limits: Limits): number {
  const size = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  let found = REGULAR;
  let at = 0;
  // What is open: how many items (or entries, of a map) are left, with the sign turned for a map.
  let stack = new Float64Array(64);
  let depth = 0;
  let left = count;
  let inMap = false;
  let items = count;

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
    left--;
    let textEnd = 0;
    if (inMap) {
      const type = bytes[at]!;
      if (type >= 0xa0 && type < 0xc0) {
        at++;
        textEnd = at + (type & 31);
        // `__proto__` is 9 bytes long.
        if (type === 0xa9 && bytes[at] === 0x5f && bytes[at + 1] === 0x5f) found |= ODD_KEYS;
      } else if (type === 0xd9 || type === 0xda || type === 0xdb) {
        const start = at + 1 + (1 << (type - 0xd9));
        if (start > size) throw short(at, size);
        textEnd = start + textLength(view, at + 1, type);
        if (textEnd - start === 9 && bytes[start] === 0x5f && bytes[start + 1] === 0x5f) found |= ODD_KEYS;
        at = start;
      } else {
        // Not a string: the key and the value are two ordinary items.
        found |= ODD_KEYS;
        if (depth === stack.length) stack = widen(stack, depth);
        stack[depth++] = -left - 1;
        left = 1;
        inMap = false;
      }
      if (textEnd > 0) {
        if (textEnd - at > limits.maxKeyBytes) {
          throw fail("limit", at, `A key is ${textEnd - at} bytes long (limit maxKeyBytes).`);
        }
        if (textEnd > size) throw short(at, size);
        const start = at;
        let high = 0;
        for (; at + 4 <= textEnd; at += 4) high |= view.getInt32(at) & 0x80808080;
        for (; at < textEnd; at++) high |= bytes[at]! & 0x80;
        if (high !== 0) found |= text(bytes, start, textEnd);
        textEnd = 0;
      }
    }
    if (at >= size) throw short(at, size);
    const type = bytes[at++]!;
    if (type < 0x80 || type >= 0xe0) continue;
    let children = -1;
    let map = false;
    if (type < 0x90) {
      children = type & 15;
      map = true;
    } else if (type < 0xa0) {
      children = type & 15;
    } else if (type < 0xc0) {
      textEnd = at + (type & 31);
    } else {
      switch (type) {
        case 0xc0:
        case 0xc2:
        case 0xc3:
          continue;
        case 0xcb:
        case 0xcf:
        case 0xd3:
          at += 8;
          if (type !== 0xcb && at <= size) {
            const head = type === 0xcf ? view.getUint32(at - 8) : view.getInt32(at - 8);
            if (head >= 0x200000 || head <= -0x200000) found |= EXACT;
          }
          break;
        case 0xca:
        case 0xce:
        case 0xd2:
          at += 4;
          break;
        case 0xcd:
        case 0xd1:
          at += 2;
          break;
        case 0xcc:
        case 0xd0:
          at += 1;
          break;
        case 0xd9:
        case 0xda:
        case 0xdb: {
          const width = 1 << (type - 0xd9);
          if (at + width > size) throw short(at, size);
          const length = textLength(view, at, type);
          at += width;
          textEnd = at + length;
          break;
        }
        case 0xc4:
        case 0xc5:
        case 0xc6: {
          const width = 1 << (type - 0xc4);
          if (at + width > size) throw short(at, size);
          found |= BYTES;
          at +=
            width + (type === 0xc4 ? bytes[at]! : type === 0xc5 ? view.getUint16(at) : view.getUint32(at));
          break;
        }
        case 0xc7:
        case 0xc8:
        case 0xc9: {
          const width = 1 << (type - 0xc7);
          if (at + width > size) throw short(at, size);
          at +=
            width +
            1 +
            (type === 0xc7 ? bytes[at]! : type === 0xc8 ? view.getUint16(at) : view.getUint32(at));
          found |= EXACT;
          break;
        }
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
          at += 1 + (1 << (type - 0xd4));
          found |= EXACT;
          break;
        case 0xdc:
        case 0xde:
          if (at + 2 > size) throw short(at, size);
          children = view.getUint16(at);
          at += 2;
          map = type === 0xde;
          break;
        case 0xdd:
        case 0xdf:
          if (at + 4 > size) throw short(at, size);
          children = view.getUint32(at);
          at += 4;
          map = type === 0xdf;
          break;
        default:
          throw fail("corrupt", at - 1, "The reserved byte 0xc1 stands where a value should.");
      }
    }
    if (textEnd > 0) {
      if (textEnd > size) throw short(at, size);
      const start = at;
      let high = 0;
      for (; at + 4 <= textEnd; at += 4) high |= view.getInt32(at) & 0x80808080;
      for (; at < textEnd; at++) high |= bytes[at]! & 0x80;
      if (high !== 0) found |= text(bytes, start, textEnd);
      continue;
    }
    if (at > size) throw short(at, size);
    if (children <= 0) continue;
    const least = map ? children * 2 : children;
    if (least > size - at) {
      throw fail("truncated", at, `${children} items are announced; only ${size - at} bytes are left.`);
    }
    items += least;
    if (items > limits.maxItems) {
      throw fail("limit", at, `More than ${limits.maxItems} items in one value (limit maxItems).`);
    }
    if (depth >= limits.maxDepth) {
      throw fail("limit", at, `Nested more than ${limits.maxDepth} levels deep (limit maxDepth).`);
    }
    if (depth === RECURSION) found |= DEEP;
    if (depth === stack.length) stack = widen(stack, depth);
    stack[depth++] = inMap ? -left - 1 : left;
    left = children;
    inMap = map;
  }
}

function widen(stack: Float64Array<ArrayBuffer>, depth: number): Float64Array<ArrayBuffer> {
  const wide = new Float64Array(depth * 2);
  wide.set(stack);
  return wide;
}

function textLength(view: DataView, at: number, type: number): number {
  return type === 0xd9 ? view.getUint8(at) : type === 0xda ? view.getUint16(at) : view.getUint32(at);
}

/** Looks closely at a text that is not all ASCII. */
function text(bytes: Uint8Array, start: number, end: number): number {
  if (!isUtf8(bytes, start, end)) throw fail("corrupt", start, "A text is not UTF-8.");
  // msgpackr's TextDecoder would swallow a byte order mark.
  return bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf ? EXACT : REGULAR;
}

function short(at: number, size: number): PeekpackError {
  return fail("truncated", at, `The value goes on beyond its ${size} bytes.`);
}

function fail(code: "corrupt" | "truncated" | "limit", offset: number, message: string): PeekpackError {
  return new PeekpackError(code, message, { section: "data", offset });
}
