import { concat } from "../bytes.js";
import { fromFloat16 } from "../float16.js";
import { mayBeNumpyPickle } from "../pickle-sniff.js";
import { Simple, type Value } from "../values.js";
import { exactHeadValue, headSize, headValue, INDEFINITE } from "./cbor-head.js";
import { untagged } from "./cbor-tags.js";
import type { Decoded } from "./codec.js";
import { decodeError, longKey, tooLong, tooManyItems } from "./decode-error.js";
import { floatList } from "./float-list.js";
import type { KeyCache } from "./key-cache.js";
import { safeInteger } from "./safe-integer.js";
import { TextReader } from "./text-reader.js";
import { KEY_HEAP, LIST, MAP, MAX_ENTRIES, OBJECT_HEAP, TAG, VALUE, ValueBuilder } from "./value-builder.js";

const FLOAT = 0xfb;
const CHUNKED_TEXT = 0x7f;
const BREAK = 0xff;

/**
 * Decodes `count` items that must fill `bytes` exactly, and checks them in the same pass: lengths before anything is
 * allocated, nesting (tags included), UTF-8, and what RFC 8949 calls not well-formed. Limits come as numbers, because
 * objects of other shapes would make the engine compile this anew.
 *
 * Each announced item takes a byte at least, so that all announced items together are at most the bytes: this bounds what
 * damaged counts allocate.
 */
export function decodeCbor(
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
      const tag = builder.kind === TAG ? (builder.key as number | bigint) : undefined;
      const value = builder.close();
      builder.put(tag === undefined ? value : untagged(tag, value, at));
      continue;
    }
    if (at >= size) throw tooLong(at, size);
    let type = bytes[at]!;
    if (builder.end === INDEFINITE && builder.kind !== VALUE) {
      if (type === BREAK) {
        at++;
        builder.end = builder.index;
        continue;
      }
      items += builder.kind === LIST ? 1 : 2;
      if (items > maxItems || (builder.kind !== LIST && builder.index >= MAX_ENTRIES)) {
        throw tooManyItems(at, maxItems);
      }
    }
    if (builder.kind <= MAP) {
      const start = at;
      if (type >= 0x60 && type < 0x78) {
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
      } else if (type >= 0x78 && type < 0x7c) {
        at += headSize(type);
        if (at > size) throw tooLong(start, size);
        const length = headValue(view, start);
        if (length > size - at) throw tooLong(start, size);
        if (length > maxKey) throw longKey(start, length);
        at += length;
        builder.name(texts.text(at - length, at), 0, (bytes[at - length]! ^ 0x30) < 10);
      } else if (type === CHUNKED_TEXT) {
        const chunks: Value[] = [];
        at = readChunks(bytes, view, start, texts, chunks);
        const name = chunks.join("");
        if (name.length > maxKey) throw longKey(start, name.length);
        builder.name(name, 0, (name.charCodeAt(0) ^ 0x30) < 10);
      } else {
        builder.nextIsKey();
      }
      if (at > start) {
        if (at >= size) throw tooLong(at, size);
        type = bytes[at]!;
      }
    }
    const start = at;
    const head = headSize(type);
    if (head === 0) throw decodeError("corrupt", start, "The head of an item has a reserved length.");
    at += head;
    if (at > size) throw tooLong(start, size);
    let value: Value;
    switch (type >> 5) {
      case 0:
      case 1: {
        const magnitude = headValue(view, start);
        if (magnitude === INDEFINITE) throw decodeError("corrupt", start, "An integer has no length.");
        // −1 − 0 is −1: of the last safe integer it is the first that is not safe.
        if (magnitude < Number.MAX_SAFE_INTEGER) {
          value = type < 0x20 ? magnitude : -1 - magnitude;
        } else {
          const exact = view.getBigUint64(at - 8);
          value = safeInteger(type < 0x20 ? exact : -1n - exact);
        }
        break;
      }
      case 2:
      case 3: {
        const isText = type >= 0x60;
        let length = type & 31;
        if (length > 23) length = headValue(view, start);
        if (!isText) builder.weigh(OBJECT_HEAP, start);
        if (length === INDEFINITE) {
          const chunks: Value[] = [];
          at = readChunks(bytes, view, start, texts, chunks);
          value = isText ? chunks.join("") : concat(chunks as Uint8Array[]);
        } else {
          if (length > size - at) throw tooLong(start, size);
          at += length;
          value = isText ? texts.text(at - length, at) : bytes.subarray(at - length, at);
        }
        if (!isText) {
          const data = value as Uint8Array;
          const isPickle = numpy && mayBeNumpyPickle(data);
          hasPickles ||= isPickle;
          if (length !== INDEFINITE && !(isPickle && builder.depth === 0)) value = data.slice();
        }
        break;
      }
      case 4:
      case 5: {
        const isMap = type >= 0xa0;
        const length = headValue(view, start);
        if (length !== INDEFINITE) {
          const announced = isMap ? length * 2 : length;
          items += announced;
          if (announced > size - at || (items > size && items <= maxItems)) {
            throw decodeError("truncated", at, `${length} items do not fit into ${size - at} bytes.`);
          }
          if (items > maxItems) throw tooManyItems(at, maxItems);
        }
        if (length === 0) {
          value = builder.empty(isMap, at);
          break;
        }
        const floats =
          !isMap && length > 0 && bytes[at] === FLOAT ? floatList(bytes, view, at, length, FLOAT) : undefined;
        if (floats !== undefined) {
          builder.weigh(8 * length, at);
          value = floats;
          at += 9 * length;
          break;
        }
        builder.begin(isMap ? MAP : LIST, length, at);
        if (isMap && builder.slot < children) builder.slot += children;
        continue;
      }
      case 6: {
        const tag = headValue(view, start);
        if (tag === INDEFINITE) throw decodeError("corrupt", start, "A tag has no number.");
        builder.begin(TAG, 1, at);
        // What a tag makes of its content: a date, a typed array, a set, or itself.
        builder.weigh(OBJECT_HEAP, start);
        builder.key = exactHeadValue(view, start, tag);
        continue;
      }
      default:
        value = simpleOrFloat(view, start, type & 31);
    }
    builder.put(value);
  }
  if (at !== size) throw decodeError("corrupt", at, `${size - at} bytes follow the value.`);
  return { values: builder.root, hasPickles, items, heap: builder.heap };
}

function simpleOrFloat(view: DataView, start: number, info: number): Value {
  switch (info) {
    case 20:
    case 21:
      return info === 21;
    case 22:
      return null;
    case 23:
      return undefined;
    case 24: {
      const value = view.getUint8(start + 1);
      // RFC 8949, section 3.3: below 32 a simple value of two bytes is not well-formed.
      if (value < 32) throw decodeError("corrupt", start, "A reserved simple value.");
      return new Simple(value);
    }
    case 25:
      return fromFloat16(view.getUint16(start + 1));
    case 26:
      return view.getFloat32(start + 1);
    case 27:
      return view.getFloat64(start + 1);
    case 31:
      throw decodeError("corrupt", start, "A break ends nothing.");
    default:
      return new Simple(info);
  }
}

/** Reads the chunks of the text or byte string whose head is at `start`. Returns the offset after its break. */
function readChunks(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  texts: TextReader,
  chunks: Value[],
): number {
  const major = bytes[start]! & 0xe0;
  let at = start + 1;
  for (;;) {
    if (at >= bytes.length) throw tooLong(start, bytes.length);
    const type = bytes[at]!;
    if (type === BREAK) return at + 1;
    const head = headSize(type);
    if ((type & 0xe0) !== major || head === 0 || (type & 31) === 31) {
      throw decodeError("corrupt", at, "A string in chunks holds another item.");
    }
    if (head > bytes.length - at) throw tooLong(start, bytes.length);
    const length = headValue(view, at);
    at += head;
    if (length > bytes.length - at) throw tooLong(start, bytes.length);
    at += length;
    chunks.push(major === 0x60 ? texts.text(at - length, at) : bytes.subarray(at - length, at));
  }
}
