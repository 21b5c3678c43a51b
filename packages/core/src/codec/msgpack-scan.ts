import { PeekpackError } from "../errors.js";
import type { Limits } from "../limits.js";
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
/** Lists of floats, which are most of the bytes. The exact decoder makes an array of such ten times as fast as msgpackr. */
export const FLOATS = 16;

const RECURSION = 1500;
/** How a leaf of a table of contents begins, `{"p": [start, end]}`: a large table is hardly anything else. */
const LEAF = 0x81a17092;

/** The bits that a text in ASCII has in no byte, of four bytes at a time; those of single bytes lie in the last. */
const NOT_ASCII = 0x80808080;

/** Sizes of the items whose first byte says it all, that byte included; 0 for the others. */
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
 * Walks over `count` items that must fill `bytes` exactly, and checks all that decoding relies on: every length against
 * the bytes that are there, before anything is allocated; nesting; UTF-8; reserved bytes. Returns what was found.
 *
 * Whole archives pass through here before they are decoded, so that it is written for speed: no calls for the common items,
 * a table instead of comparisons, words instead of bytes where a text is looked through for bytes that are not
 * ASCII. It costs about a tenth of the decoding (benchmarks, "decode").
 *
 * @throws PeekpackError `corrupt`, `truncated`, `limit`
 */
export function scanMsgpack(bytes: Uint8Array, count: number, limits: Limits): number {
  return scan(bytes, count, limits.maxItems, limits.maxDepth, limits.maxKeyBytes);
}

/** The scan itself. Limits come as numbers: objects of other shapes would make the engine compile it anew. */
function scan(bytes: Uint8Array, count: number, maxItems: number, maxDepth: number, maxKey: number): number {
  const size = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const widths = WIDTHS;
  let found = REGULAR;
  let at = 0;
  // What is open: how many items (or entries, of a map) are left, with the sign turned for a map.
  let stack = new Float64Array(64);
  let depth = 0;
  let left = count;
  let inMap = false;
  let items = count;
  /** Bytes of floats in lists. */
  let floats = 0;
  if (items > maxItems) throw tooMany(0, maxItems);
  /** How often a record may turn out to be none before no more are looked for. */
  let tries = maxKey < 31 ? 0 : 64;

  for (;;) {
    /** The first byte of an item that the quick loops leave to what follows them. */
    let type = -1;
    if (inMap) {
      while (left > 0) {
        left--;
        const key = bytes[at]!;
        if (key >= 0xa0 && key < 0xc0) {
          at++;
          // `__proto__` is 9 bytes long.
          if (key === 0xa9 && bytes[at] === 0x5f && bytes[at + 1] === 0x5f) found |= ODD_KEYS;
          const end = at + (key & 31);
          if (end >= size) throw short(at, size);
          if (end - at > maxKey) throw longKey(at, end - at);
          let high = 0;
          const start = at;
          for (; at + 4 <= end; at += 4) high |= view.getInt32(at);
          for (; at < end; at++) high |= bytes[at]!;
          if ((high & NOT_ASCII) !== 0) found |= text(bytes, start, end);
        } else if (key >= 0xd9 && key <= 0xdb) {
          const start = at + 1 + (1 << (key - 0xd9));
          if (start > size) throw short(at, size);
          const end = start + textLength(view, at + 1, key);
          if (end >= size) throw short(at, size);
          if (end - start > maxKey) throw longKey(at, end - start);
          if (end - start === 9 && bytes[start] === 0x5f && bytes[start + 1] === 0x5f) found |= ODD_KEYS;
          found |= ascii(bytes, view, start, end);
          at = end;
        } else {
          // Not a text: the key and the value are two ordinary items.
          found |= ODD_KEYS;
          if (depth === stack.length) stack = widen(stack, depth);
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
        } else if (type >= 0xa0 && type < 0xc0) {
          at++;
          const end = at + (type & 31);
          if (end > size) throw short(at, size);
          type = -1;
          let high = 0;
          const start = at;
          for (; at + 4 <= end; at += 4) high |= view.getInt32(at);
          for (; at < end; at++) high |= bytes[at]!;
          if ((high & NOT_ASCII) !== 0) found |= text(bytes, start, end);
        } else break;
      }
      if (!inMap) continue;
    } else {
      while (left > 0) {
        if (at >= size) throw short(at, size);
        type = bytes[at]!;
        if (type === 0xcb) {
          const start = at;
          for (; left > 0 && at < size && bytes[at] === 0xcb; left--) at += 9;
          floats += at - start;
          type = -1;
          continue;
        }
        left--;
        const width = widths[type]!;
        if (width !== 0) {
          at += width;
          type = -1;
        } else if (type >= 0xa0 && type < 0xc0) {
          at++;
          const end = at + (type & 31);
          if (end > size) throw short(at, size);
          type = -1;
          let high = 0;
          const start = at;
          for (; at + 4 <= end; at += 4) high |= view.getInt32(at);
          for (; at < end; at++) high |= bytes[at]!;
          if ((high & NOT_ASCII) !== 0) found |= text(bytes, start, end);
        } else break;
      }
    }
    if (at > size) throw short(at, size);
    if (type < 0) {
      if (depth === 0) {
        if (at === size) return floats * 4 > size * 3 ? found | FLOATS : found;
        throw fail("corrupt", at, `${size - at} bytes follow the value.`);
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
      if (map && tries > 0 && depth < maxDepth && items + 30 <= maxItems) {
        const end = record(bytes, view, at, children, size);
        if (end) {
          tries++;
          items += children * 2;
          at = end;
          continue;
        }
        tries--;
      }
      if (!map && depth < maxDepth) {
        // Short lists of plain items, of which a table of contents has one for each node, are passed over at once.
        let behind = at;
        let rest = children;
        for (; rest > 0; rest--) {
          const width = widths[bytes[behind]!]!;
          if (!(width > 0)) break;
          behind += width;
        }
        if (rest === 0 && behind <= size && items + children <= maxItems) {
          at = behind;
          items += children;
          continue;
        }
      }
      if (type === 0x81 && depth + 1 < maxDepth && at + 3 < size && view.getUint32(at - 1) === LEAF) {
        const behind = at + 3 + widths[bytes[at + 3]!]!;
        const end = behind + widths[bytes[behind]!]!;
        if (behind > at + 3 && end > behind && end <= size && items + 4 <= maxItems) {
          at = end;
          items += 4;
          continue;
        }
      }
    } else {
      // Every other type has a number behind it: 1, 2, 4 or 8 bytes.
      switch (type) {
        case 0xcf:
        case 0xd3:
          at += 8;
          if (at <= size) {
            const head = type === 0xcf ? view.getUint32(at - 8) : view.getInt32(at - 8);
            if (head >= 0x200000 || head <= -0x200000) found |= EXACT;
          }
          break;
        case 0xd9:
        case 0xda:
        case 0xdb: {
          const start = at + (1 << (type - 0xd9));
          if (start > size) throw short(at, size);
          const end = start + textLength(view, at, type);
          if (end > size) throw short(at, size);
          found |= ascii(bytes, view, start, end);
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
          if (at + width > size) throw short(at, size);
          const length = width === 1 ? bytes[at]! : width === 2 ? view.getUint16(at) : view.getUint32(at);
          at += width + length + (isExtension ? 1 : 0);
          found |= isExtension ? EXACT : BYTES;
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
          throw fail("corrupt", at - 1, "0xc1 is no value.");
      }
      if (at > size) throw short(at, size);
    }
    if (children <= 0) continue;
    const least = map ? children * 2 : children;
    if (least > size - at) {
      throw fail("truncated", at, `${children} items do not fit into ${size - at} bytes.`);
    }
    items += least;
    if (items > maxItems) {
      throw tooMany(at, maxItems);
    }
    if (depth >= maxDepth) {
      throw fail("limit", at, `More than ${maxDepth} levels (limit maxDepth).`);
    }
    if (depth === RECURSION) found |= DEEP;
    if (depth === stack.length) stack = widen(stack, depth);
    stack[depth++] = inMap ? -left - 1 : left;
    left = children;
    inMap = map;
  }
}

/**
 * Where the entries of a small and flat map end: texts, numbers and the like, all in ASCII. 0 where there are others. Most maps
 * are such, and this way through them takes half as long as the general one.
 */
function record(bytes: Uint8Array, view: DataView, start: number, entries: number, size: number): number {
  let at = start;
  let high = 0;
  for (let left = entries; left > 0; left--) {
    const key = bytes[at]!;
    if (!(key >= 0xa0 && key < 0xc0) || (key === 0xa9 && bytes[at + 1] === 0x5f)) return 0;
    let end = ++at + (key & 31);
    if (end >= size) return 0;
    for (; at + 4 <= end; at += 4) high |= view.getInt32(at);
    for (; at < end; at++) high |= bytes[at]!;
    const type = bytes[at]!;
    const width = WIDTHS[type]!;
    if (width !== 0) {
      at += width;
      continue;
    }
    if (!(type >= 0xa0 && type < 0xc0)) return 0;
    end = ++at + (type & 31);
    if (end > size) return 0;
    for (; at + 4 <= end; at += 4) high |= view.getInt32(at);
    for (; at < end; at++) high |= bytes[at]!;
  }
  return (high & NOT_ASCII) === 0 && at <= size ? at : 0;
}

/** Looks through a text for bytes that are not ASCII, and at those more closely. */
function ascii(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  let at = start;
  let high = 0;
  for (; at + 4 <= end; at += 4) high |= view.getInt32(at);
  for (; at < end; at++) high |= bytes[at]!;
  return (high & NOT_ASCII) === 0 ? REGULAR : text(bytes, start, end);
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

function tooMany(at: number, maxItems: number): PeekpackError {
  return fail("limit", at, `More than ${maxItems} items (limit maxItems).`);
}

function short(at: number, size: number): PeekpackError {
  return fail("truncated", at, `The value exceeds its ${size} bytes.`);
}

function longKey(at: number, length: number): PeekpackError {
  return fail("limit", at, `A key has ${length} bytes (limit maxKeyBytes).`);
}

function fail(code: "corrupt" | "truncated" | "limit", offset: number, message: string): PeekpackError {
  return new PeekpackError(code, message, { section: "data", offset });
}
