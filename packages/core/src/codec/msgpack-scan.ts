import type { Limits } from "../limits.js";
import { widened } from "../widened.js";
import { decodeError, longKey, tooLong, tooManyItems } from "./decode-error.js";
import { checkText, checkUtf8, NOT_ASCII } from "./utf8.js";

/** How a leaf of a table of contents, `{"p": [start, end]}`, begins: a large table consists of these. */
const LEAF = 0x81a17092;

/** Sizes of the items whose first byte determines it, that byte included; 0 for the others. */
const WIDTHS: Uint8Array = (() => {
  const widths = new Uint8Array(256);
  widths.fill(1, 0, 0x80);
  widths.fill(1, 0xe0);
  for (const [type, width] of [
    [0xc0, 1],
    [0xc2, 1],
    [0xc3, 1],
    [0xca, 5],
    [0xcb, 9],
    [0xcc, 2],
    [0xcd, 3],
    [0xce, 5],
    [0xd0, 2],
    [0xd1, 3],
    [0xd2, 5],
  ] as const) {
    widths[type] = width;
  }
  return widths;
})();

/**
 * Checks that `count` well-formed items fill `bytes` exactly, within the limits, and decodes nothing: for tables of contents,
 * and for bytes that a cursor walks over. Every length is checked against the bytes that are left.
 *
 * A table of contents may have a million nodes, so that this is written for speed: no calls for common items, a table instead
 * of comparisons, four bytes of a text at once (benchmarks, "toc").
 *
 * @throws PeekpackError `corrupt`, `truncated`, `limit`
 */
export function scanMsgpack(bytes: Uint8Array, count: number, limits: Limits): void {
  scan(bytes, count, limits.maxItems, limits.maxDepth, limits.maxKeyBytes);
}

/** The scan itself. Limits come as numbers: objects of other shapes would make the engine compile it anew. */
function scan(bytes: Uint8Array, count: number, maxItems: number, maxDepth: number, maxKey: number): void {
  const size = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const widths = WIDTHS;
  let at = 0;
  // What is open: how many items (or entries, of a map) are left, with the sign turned for a map.
  let stack = new Float64Array(64);
  let depth = 0;
  let left = count;
  let inMap = false;
  let items = count;
  if (items > maxItems) throw tooManyItems(0, maxItems);
  for (;;) {
    /** The first byte of an item that the quick loops leave to what follows them. */
    let type = -1;
    if (inMap) {
      while (left > 0) {
        left--;
        const key = bytes[at]!;
        if (key >= 0xa0 && key < 0xc0) {
          at++;
          const end = at + (key & 31);
          if (end >= size) throw tooLong(at, size);
          if (end - at > maxKey) throw longKey(at, end - at);
          let high = 0;
          const start = at;
          for (; at + 4 <= end; at += 4) high |= view.getInt32(at);
          for (; at < end; at++) high |= bytes[at]!;
          if ((high & NOT_ASCII) !== 0) checkUtf8(bytes, start, end);
        } else if (key >= 0xd9 && key <= 0xdb) {
          const start = at + 1 + (1 << (key - 0xd9));
          if (start > size) throw tooLong(at, size);
          const end = start + textLength(view, at + 1, key);
          if (end >= size) throw tooLong(at, size);
          if (end - start > maxKey) throw longKey(at, end - start);
          checkText(bytes, view, start, end);
          at = end;
        } else {
          // Not a text: the key and the value are two ordinary items.
          if (depth === stack.length) stack = widened(stack);
          stack[depth++] = -left - 1;
          left = 2;
          inMap = false;
          break;
        }
        type = bytes[at]!;
        const width = widths[type]!;
        if (width !== 0) {
          at += width;
          type = -1;
        } else break;
      }
      if (!inMap) continue;
    } else {
      while (left > 0) {
        if (at >= size) throw tooLong(at, size);
        type = bytes[at]!;
        left--;
        const width = widths[type]!;
        if (width !== 0) {
          at += width;
          type = -1;
        } else break;
      }
    }
    if (at > size) throw tooLong(at, size);
    if (type < 0) {
      if (depth === 0) {
        if (at === size) return;
        throw decodeError("corrupt", at, `${size - at} bytes follow the value.`);
      }
      left = stack[--depth]!;
      inMap = left < 0;
      if (inMap) left = -left - 1;
      continue;
    }
    at++;
    let children = -1;
    let map = false;
    if (type < 0xa0) {
      children = type & 15;
      map = type < 0x90;
      if (!map && depth < maxDepth) {
        // Short lists of plain items, of which a table of contents has one for each node, are passed over at once.
        let next = at;
        let rest = children;
        for (; rest > 0; rest--) {
          const width = widths[bytes[next]!]!;
          if (!(width > 0)) break;
          next += width;
        }
        if (rest === 0 && next <= size && items + children <= maxItems) {
          at = next;
          items += children;
          continue;
        }
      }
      if (type === 0x81 && depth + 1 < maxDepth && at + 3 < size && view.getUint32(at - 1) === LEAF) {
        const second = at + 3 + widths[bytes[at + 3]!]!;
        const end = second + widths[bytes[second]!]!;
        if (second > at + 3 && end > second && end <= size && items + 4 <= maxItems) {
          at = end;
          items += 4;
          continue;
        }
      }
    } else if (type < 0xc0) {
      const end = at + (type & 31);
      if (end > size) throw tooLong(at, size);
      checkText(bytes, view, at, end);
      at = end;
    } else {
      // A number of 1, 2, 4 or 8 bytes follows every other type.
      switch (type) {
        case 0xcf:
        case 0xd3:
          at += 8;
          break;
        case 0xd9:
        case 0xda:
        case 0xdb: {
          const start = at + (1 << (type - 0xd9));
          if (start > size) throw tooLong(at, size);
          const end = start + textLength(view, at, type);
          if (end > size) throw tooLong(at, size);
          checkText(bytes, view, start, end);
          at = end;
          break;
        }
        case 0xc4:
        case 0xc5:
        case 0xc6:
        case 0xc7:
        case 0xc8:
        case 0xc9: {
          const isExtension = type >= 0xc7;
          const width = 1 << ((type - 0xc4) % 3);
          if (at + width > size) throw tooLong(at, size);
          const length = width === 1 ? bytes[at]! : width === 2 ? view.getUint16(at) : view.getUint32(at);
          at += width + length + (isExtension ? 1 : 0);
          break;
        }
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
          at += 1 + (1 << (type - 0xd4));
          break;
        case 0xdc:
        case 0xde:
          if (at + 2 > size) throw tooLong(at, size);
          children = view.getUint16(at);
          at += 2;
          map = type === 0xde;
          break;
        case 0xdd:
        case 0xdf:
          if (at + 4 > size) throw tooLong(at, size);
          children = view.getUint32(at);
          at += 4;
          map = type === 0xdf;
          break;
        default:
          throw decodeError("corrupt", at - 1, "0xc1 is no value.");
      }
      if (at > size) throw tooLong(at, size);
    }
    if (children <= 0) continue;
    const announced = map ? children * 2 : children;
    if (announced > size - at) {
      throw decodeError("truncated", at, `${children} items do not fit into ${size - at} bytes.`);
    }
    items += announced;
    if (items > maxItems) {
      throw tooManyItems(at, maxItems);
    }
    if (depth >= maxDepth) {
      throw decodeError("limit", at, `More than ${maxDepth} levels (limit maxDepth).`);
    }
    if (depth === stack.length) stack = widened(stack);
    stack[depth++] = inMap ? -left - 1 : left;
    left = children;
    inMap = map;
  }
}

function textLength(view: DataView, at: number, type: number): number {
  return type === 0xd9 ? view.getUint8(at) : type === 0xda ? view.getUint16(at) : view.getUint32(at);
}
