import { exactHeadValue, headSize, headValue } from "../codec/cbor-head.js";
import type { Cursor, Item } from "../format/cursor.js";
import type { Protocol } from "../format/header.js";
import { Tagged, type Value } from "../values.js";
import type { ContainerEncoder } from "./container-encoder.js";
import { located } from "./misplaced.js";

/**
 * An encoded value, in either codec, that is to be written in canonical form. It keeps its type: a float does not become an
 * integer because its value is integral.
 */
export class EncodedItem {
  /** Over bytes that are known to be well-formed. */
  readonly cursor: Cursor;
  readonly protocol: Protocol;
  /** Decodes items that the two codecs encode differently: extensions, instants, wide integers. */
  readonly decode: (bytes: Uint8Array) => Value;
  /** Offset of the item; advances as it is written. */
  at: number;
  #counts: Map<number, number> | undefined;

  constructor(cursor: Cursor, protocol: Protocol, at: number, decode: (bytes: Uint8Array) => Value) {
    this.cursor = cursor;
    this.protocol = protocol;
    this.at = at;
    this.decode = decode;
  }

  /** How many items a container of indefinite length at an offset holds. A map's keys and values count one each. */
  count(offset: number): number {
    let count = this.#counts?.get(offset);
    if (count === undefined) {
      this.#counts = indefiniteCounts(this.cursor, offset);
      count = this.#counts.get(offset)!;
    }
    return count;
  }
}

/** The counts of a container of indefinite length and of all inside it, in one walk: they may be nested deep. */
function indefiniteCounts(cursor: Cursor, start: number): Map<number, number> {
  const counts = new Map<number, number>();
  const head: Item = { kind: "other", value: 0 };
  const open: { readonly offset: number; left: number; seen: number }[] = [];
  let at = start;
  do {
    const inner = open.at(-1);
    if (inner?.left === Number.POSITIVE_INFINITY && cursor.bytes[at] === 0xff) {
      counts.set(inner.offset, inner.seen);
      inner.left = 0;
      at++;
    } else {
      if (inner !== undefined) {
        inner.left--;
        inner.seen++;
      }
      const end = cursor.head(at, head);
      const isMap = head.kind === "map";
      if (isMap || head.kind === "array") {
        const left = head.value < 0 ? Number.POSITIVE_INFINITY : isMap ? head.value * 2 : head.value;
        open.push({ offset: at, left, seen: 0 });
        at = end;
      } else {
        at = cursor.skip(at);
      }
    }
    while (open.at(-1)?.left === 0) open.pop();
  } while (open.length > 0);
  return counts;
}

/** Writes an encoded item in canonical form, and advances its offset. Returns whether it is trivial. */
export function writeEncoded(encoder: ContainerEncoder, item: EncodedItem, depth: number): boolean {
  const { data } = encoder;
  const { cursor } = item;
  const head: Item = { kind: "other", value: 0 };
  const offset = item.at;
  const end = cursor.head(offset, head);
  const start = data.pos;
  if (head.kind === "array" || head.kind === "map") {
    item.at = end;
    const count = head.value < 0 ? item.count(offset) / (head.kind === "map" ? 2 : 1) : head.value;
    const trivial = writeContainer(encoder, item, head.kind === "map", count, depth);
    // The break.
    if (head.value < 0) item.at++;
    return trivial;
  }
  const sized = (head.kind === "text" || head.kind === "bytes") && head.value >= 0;
  if (sized) {
    item.at = end + head.value;
    const content = cursor.bytes.subarray(end, item.at);
    if (head.kind === "text") data.utf8(content);
    else data.bytes(content);
  } else if (head.kind === "null") {
    item.at = end;
    data.nil();
  } else if ((head.kind === "uint" || head.kind === "int") && Number.isSafeInteger(head.value)) {
    item.at = end;
    data.int(head.value);
  } else {
    item.at = cursor.skip(offset);
    const tagged = item.protocol === "cbor" ? taggedItem(item, offset) : undefined;
    if (tagged !== undefined) return encoder.value(tagged, depth);
    const value = item.decode(cursor.bytes.subarray(offset, item.at));
    // A number whose head is not an integer's is a float.
    if (typeof value !== "number" || head.kind !== "other") return encoder.value(value, depth);
    data.float(value);
  }
  return data.pos - start <= encoder.options.trivialSize;
}

/** Tags that the decoder gives a meaning: they are decoded with their content. */
const DECODED_TAGS = [0n, 1n, 2n, 3n, 258n];

/** The tag at an offset before its encoded content; undefined if there is none, or the decoder gives it a meaning. */
function taggedItem({ cursor, protocol, decode }: EncodedItem, offset: number): Tagged | undefined {
  const { bytes } = cursor;
  const type = bytes[offset]!;
  if (type >> 5 !== 6) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tag = BigInt(exactHeadValue(view, offset, headValue(view, offset)));
  if (DECODED_TAGS.includes(tag)) return undefined;
  return new Tagged(
    tag,
    new EncodedItem(cursor, protocol, offset + headSize(type), decode) as unknown as Value,
  );
}

function writeContainer(
  encoder: ContainerEncoder,
  item: EncodedItem,
  isMap: boolean,
  count: number,
  depth: number,
): boolean {
  encoder.begin(isMap, count, depth);
  let trivial = true;
  let i = 0;
  let key = item.at;
  try {
    for (; i < count; i++) {
      key = item.at;
      if (isMap) {
        encoder.key(item, depth + 1);
        encoder.note(encoder.data.pos);
      }
      const before = encoder.toc.packer.pos;
      if (!writeEncoded(encoder, item, depth + 1)) trivial = false;
      encoder.noteEnd(before);
    }
  } catch (error) {
    const { cursor } = item;
    throw located(error, isMap ? item.decode(cursor.bytes.subarray(key, cursor.skip(key))) : i);
  }
  return encoder.end(isMap, trivial);
}
