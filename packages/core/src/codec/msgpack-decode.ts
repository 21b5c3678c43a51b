import { mayBeNumpyPickle } from "../pickle-sniff.js";
import { Ext, instant, type Value } from "../values.js";
import type { Decoded } from "./codec.js";
import { decodeError, longKey, tooLong, tooManyItems } from "./decode-error.js";
import { floatList } from "./float-list.js";
import type { KeyCache } from "./key-cache.js";
import { safeInteger } from "./safe-integer.js";
import { TextReader } from "./text-reader.js";
import { KEY_HEAP, LIST, MAP, OBJECT_HEAP, ValueBuilder } from "./value-builder.js";

const FLOAT = 0xcb;

/**
 * Decodes `count` items that must fill `bytes` exactly, and checks them in the same pass: lengths before anything is
 * allocated, nesting, UTF-8, reserved bytes. Limits come as numbers, because objects of other shapes would make the engine
 * compile this anew.
 *
 * Each announced item takes a byte at least, so that all announced items together are at most the bytes: this bounds what
 * damaged counts allocate.
 */
export function decodeMsgpack(
  bytes: Uint8Array,
  count: number,
  keys: KeyCache,
  numpy: boolean,
  alwaysMaps: boolean,
  maxItems: number,
  maxDepth: number,
  maxKey: number,
  maxHeap: number,
): Decoded {
  const size = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  if (count > maxItems) throw tooManyItems(0, maxItems);
  if (count > size) throw tooLong(0, size);
  if (count > 1 && count * 9 === size) {
    const floats = floatList(bytes, view, 0, count, FLOAT);
    if (floats !== undefined) return { values: floats, hasPickles: false, items: count, heap: 8 * count };
  }
  const texts = new TextReader(bytes, view);
  const builder = new ValueBuilder(count, size, alwaysMaps, maxDepth, maxHeap);
  const { next, names, children } = keys;
  let items = count;
  let hasPickles = false;
  let at = 0;

  for (;;) {
    if (builder.index === builder.end) {
      if (builder.depth === 0) break;
      builder.put(builder.close());
      continue;
    }
    if (at >= size) throw tooLong(at, size);
    let type = bytes[at]!;
    if (builder.kind <= MAP) {
      const start = at;
      if (type >= 0xa0 && type < 0xc0) {
        const before = builder.slot;
        let slot = next[before]!;
        at += keys.match(slot, view, at);
        let name = names[slot]!;
        if (at === start) {
          at += 1 + (type & 31);
          if (at > size) throw tooLong(start, size);
          if ((type & 31) > maxKey) throw longKey(start, type & 31);
          slot = keys.slot(view, start, at);
          if (keys.match(slot, view, start) > 0) {
            name = names[slot]!;
          } else {
            builder.weigh(KEY_HEAP, start);
            name = texts.text(start + 1, at);
            if (name === "__proto__") slot = 0;
            else keys.set(slot, view, start, at, name);
          }
          next[before] = slot;
        }
        builder.name(name, slot, (bytes[start + 1]! ^ 0x30) < 10);
      } else if (type >= 0xd9 && type <= 0xdb) {
        const width = 1 << (type - 0xd9);
        at += 1 + width;
        if (at > size) throw tooLong(start, size);
        const length = unsigned(view, start + 1, width);
        if (length > size - at) throw tooLong(start, size);
        if (length > maxKey) throw longKey(start, length);
        at += length;
        builder.name(texts.text(at - length, at), 0, (bytes[at - length]! ^ 0x30) < 10);
      } else {
        builder.nextIsKey();
      }
      if (at > start) {
        if (at >= size) throw tooLong(at, size);
        type = bytes[at]!;
      }
    }
    at++;
    let value: Value;
    let length = -1;
    let isMap = false;
    if (type < 0x80) value = type;
    else if (type >= 0xe0) value = type - 0x100;
    else if (type < 0xa0) {
      length = type & 15;
      isMap = type < 0x90;
    } else if (type < 0xc0) {
      const end = at + (type & 31);
      if (end > size) throw tooLong(at, size);
      value = texts.text(at, end);
      at = end;
    } else {
      const start = at;
      switch (type) {
        case 0xc0:
          value = null;
          break;
        case 0xc2:
        case 0xc3:
          value = type === 0xc3;
          break;
        case 0xc4:
        case 0xc5:
        case 0xc6:
        case 0xc7:
        case 0xc8:
        case 0xc9: {
          const width = 1 << ((type - 0xc4) % 3);
          at += width + (type >= 0xc7 ? 1 : 0);
          if (at > size) throw tooLong(start, size);
          const bytesLength = unsigned(view, start, width);
          if (bytesLength > size - at) throw tooLong(start, size);
          at += bytesLength;
          builder.weigh(OBJECT_HEAP, start);
          const data = bytes.subarray(at - bytesLength, at);
          const isPickle = numpy && type < 0xc7 && mayBeNumpyPickle(data);
          hasPickles ||= isPickle;
          // Copies of large arrays stop the page. A value of its own is replaced, or copied in pieces.
          value = isPickle && builder.depth === 0 ? data : data.slice();
          if (type >= 0xc7) value = extension(view.getInt8(start + width), value, at);
          break;
        }
        case 0xca:
          at += 4;
          if (at > size) throw tooLong(start, size);
          value = view.getFloat32(start);
          break;
        case 0xcb:
          at += 8;
          if (at > size) throw tooLong(start, size);
          value = view.getFloat64(start);
          break;
        case 0xcc:
        case 0xcd:
        case 0xce: {
          const width = 1 << (type - 0xcc);
          at += width;
          if (at > size) throw tooLong(start, size);
          value = unsigned(view, start, width);
          break;
        }
        case 0xd0:
          at += 1;
          if (at > size) throw tooLong(start, size);
          value = view.getInt8(start);
          break;
        case 0xd1:
          at += 2;
          if (at > size) throw tooLong(start, size);
          value = view.getInt16(start);
          break;
        case 0xd2:
          at += 4;
          if (at > size) throw tooLong(start, size);
          value = view.getInt32(start);
          break;
        case 0xcf:
        case 0xd3: {
          at += 8;
          if (at > size) throw tooLong(start, size);
          const high = type === 0xcf ? view.getUint32(start) : view.getInt32(start);
          value =
            high < 0x200000 && high > -0x200000
              ? high * 0x100000000 + view.getUint32(start + 4)
              : safeInteger(type === 0xcf ? view.getBigUint64(start) : view.getBigInt64(start));
          break;
        }
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
          at += 1 + (1 << (type - 0xd4));
          if (at > size) throw tooLong(start, size);
          builder.weigh(OBJECT_HEAP, start);
          value = extension(view.getInt8(start), bytes.slice(start + 1, at), at);
          break;
        case 0xd9:
        case 0xda:
        case 0xdb: {
          const width = 1 << (type - 0xd9);
          at += width;
          if (at > size) throw tooLong(start, size);
          const textLength = unsigned(view, start, width);
          if (textLength > size - at) throw tooLong(start, size);
          at += textLength;
          value = texts.text(at - textLength, at);
          break;
        }
        case 0xdc:
        case 0xdd:
        case 0xde:
        case 0xdf: {
          const width = (type & 1) === 0 ? 2 : 4;
          at += width;
          if (at > size) throw tooLong(start, size);
          length = unsigned(view, start, width);
          isMap = type >= 0xde;
          break;
        }
        default:
          throw decodeError("corrupt", at - 1, "0xc1 is no value.");
      }
    }
    if (length >= 0) {
      const announced = isMap ? length * 2 : length;
      items += announced;
      if (announced > size - at || (items > size && items <= maxItems)) {
        throw decodeError("truncated", at, `${length} items do not fit into ${size - at} bytes.`);
      }
      if (items > maxItems) throw tooManyItems(at, maxItems);
      const floats =
        !isMap && length > 0 && bytes[at] === FLOAT ? floatList(bytes, view, at, length, FLOAT) : undefined;
      if (floats !== undefined) {
        builder.weigh(8 * length, at);
        value = floats;
        at += 9 * length;
      } else if (length === 0) {
        value = builder.empty(isMap, at);
      } else {
        builder.begin(isMap ? MAP : LIST, length, at);
        if (isMap && builder.slot < children) builder.slot += children;
        continue;
      }
    }
    builder.put(value);
  }
  if (at !== size) throw decodeError("corrupt", at, `${size - at} bytes follow the value.`);
  return { values: builder.root, hasPickles, items, heap: builder.heap };
}

/** An unsigned number of 1, 2 or 4 bytes. */
function unsigned(view: DataView, at: number, width: number): number {
  return width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at) : view.getUint32(at);
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
    seconds = safeInteger(view.getBigInt64(4));
  }
  if (nanoseconds > 999_999_999)
    throw decodeError("corrupt", offset, "A timestamp has more than a second of nanoseconds.");
  return instant(seconds, nanoseconds);
}
