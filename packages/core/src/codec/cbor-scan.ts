import type { Limits } from "../limits.js";
import { widened } from "../widened.js";
import { headSize, headValue, INDEFINITE } from "./cbor-head.js";
import { decodeError, longKey, tooLong, tooManyItems } from "./decode-error.js";
import { checkText, checkUtf8 } from "./utf8.js";

/**
 * Checks that `count` well-formed items (RFC 8949) fill `bytes` exactly, within the limits, and decodes nothing: for tables of
 * contents, and for bytes that a cursor walks over. Every length is checked against the bytes that are left.
 *
 * @throws PeekpackError `corrupt`, `truncated`, `limit`
 */
export function scanCbor(bytes: Uint8Array, count: number, limits: Limits): void {
  const size = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  let at = 0;
  // How many items, or entries of a map (then negative), are left in each open container; infinitely many in one of
  // indefinite length.
  let stack = new Float64Array(64);
  let depth = 0;
  let left = count;
  let inMap = false;
  let items = count;
  if (items > limits.maxItems) throw tooManyItems(0, limits.maxItems);

  for (;;) {
    while (left === 0) {
      if (depth === 0) {
        if (at === size) return;
        throw decodeError("corrupt", at, `${size - at} bytes follow the value.`);
      }
      left = stack[--depth]!;
      inMap = left < 0;
      if (inMap) left = -left - 1;
    }
    if (at >= size) throw tooLong(at, size);
    if (left === Number.POSITIVE_INFINITY) {
      if (bytes[at] === 0xff) {
        at++;
        left = 0;
        continue;
      }
      items += inMap ? 2 : 1;
      if (items > limits.maxItems) throw tooManyItems(at, limits.maxItems);
    }
    left--;
    if (inMap) {
      const type = bytes[at]!;
      if (type >= 0x60 && type < 0x7c) {
        const start = at;
        at += headSize(type);
        if (at > size) throw tooLong(start, size);
        const length = headValue(view, start);
        if (length > size - at) throw tooLong(start, size);
        if (length > limits.maxKeyBytes) throw longKey(start, length);
        checkText(bytes, view, at, at + length);
        at += length;
        if (at >= size) throw tooLong(at, size);
      } else {
        // Not a text of definite length: the key and the value are two ordinary items.
        if (depth === stack.length) stack = widened(stack);
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
      if (at > size) throw tooLong(start, size);
      continue;
    }
    const head = headSize(type);
    if (head === 0) throw decodeError("corrupt", start, "The head of an item has a reserved length.");
    at = start + head;
    if (at > size) throw tooLong(start, size);
    const value = headValue(view, start);
    let children = 1;
    let map = false;
    switch (type >> 5) {
      case 0:
      case 1:
        if (value === INDEFINITE) throw decodeError("corrupt", start, "An integer has no length.");
        continue;
      case 2:
      case 3: {
        if (value === INDEFINITE) {
          at = scanChunks(bytes, view, start);
          continue;
        }
        if (value > size - at) throw tooLong(start, size);
        if (type >= 0x60) checkText(bytes, view, at, at + value);
        at += value;
        continue;
      }
      case 4:
      case 5:
        map = type >= 0xa0;
        if (value === INDEFINITE) {
          children = Number.POSITIVE_INFINITY;
          break;
        }
        children = value;
        if (value === 0) continue;
        if ((map ? value * 2 : value) > size - at) {
          throw decodeError("truncated", start, `${value} items do not fit into ${size - at} bytes.`);
        }
        items += map ? value * 2 : value;
        if (items > limits.maxItems) throw tooManyItems(start, limits.maxItems);
        break;
      case 6:
        if (value === INDEFINITE) throw decodeError("corrupt", start, "A tag has no number.");
        break;
      default:
        if (type === 0xff) throw decodeError("corrupt", start, "A break ends nothing.");
        // Below 32 a simple value of two bytes is not well-formed (RFC 8949, section 3.3).
        if (type === 0xf8 && value < 32) throw decodeError("corrupt", start, "A reserved simple value.");
        continue;
    }
    if (depth >= limits.maxDepth) {
      throw decodeError("limit", start, `More than ${limits.maxDepth} levels (limit maxDepth).`);
    }
    if (depth === stack.length) stack = widened(stack);
    stack[depth++] = inMap ? -left - 1 : left;
    left = children;
    inMap = map;
  }
}

/** Checks the chunks of the text or byte string whose head is at `start`. Returns the offset after its break. */
function scanChunks(bytes: Uint8Array, view: DataView, start: number): number {
  const size = bytes.length;
  const major = bytes[start]! & 0xe0;
  let at = start + 1;
  for (;;) {
    if (at >= size) throw tooLong(start, size);
    const type = bytes[at]!;
    if (type === 0xff) return at + 1;
    const head = headSize(type);
    if ((type & 0xe0) !== major || head === 0 || (type & 31) === 31) {
      throw decodeError("corrupt", at, "A string in chunks holds another item.");
    }
    if (head > size - at) throw tooLong(start, size);
    const length = headValue(view, at);
    at += head;
    if (length > size - at) throw tooLong(start, size);
    if (major === 0x60) checkUtf8(bytes, at, at + length);
    at += length;
  }
}
