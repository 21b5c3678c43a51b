import type { Cursor, Item } from "../format/cursor.js";
import type { Protocol } from "../format/header.js";
import { Tagged, type Value } from "../values.js";
import type { ContainerEncoder } from "./container-encoder.js";
import { located } from "./misplaced.js";

/**
 * A value that is already encoded, in whichever codec, to be written anew in its canonical form. What it is stays what it
 * is: a float does not become an integer because its value is integral.
 */
export class EncodedItem {
  /** Over bytes that are known to be well-formed. */
  readonly cursor: Cursor;
  readonly protocol: Protocol;
  /** Decodes what has no form of its own in every codec: extensions, instants, wide integers. */
  readonly decode: (bytes: Uint8Array) => Value;
  /** Where the item starts; moves on as it is written. */
  at: number;
  #counts: Map<number, number> | undefined;

  constructor(cursor: Cursor, protocol: Protocol, at: number, decode: (bytes: Uint8Array) => Value) {
    this.cursor = cursor;
    this.protocol = protocol;
    this.at = at;
    this.decode = decode;
  }

  /** How many items a container of indefinite length at `place` holds, a map's keys and values counted one each. */
  count(place: number): number {
    let count = this.#counts?.get(place);
    if (count === undefined) {
      this.#counts = indefiniteCounts(this.cursor, place);
      count = this.#counts.get(place)!;
    }
    return count;
  }
}

/** The counts of all containers of indefinite length from one of them down, in one walk: they may be nested deep. */
function indefiniteCounts(cursor: Cursor, start: number): Map<number, number> {
  const counts = new Map<number, number>();
  const head: Item = { kind: "other", value: 0 };
  const open: { readonly place: number; left: number; seen: number }[] = [];
  let at = start;
  do {
    const inner = open.at(-1);
    if (inner?.left === Number.POSITIVE_INFINITY && cursor.bytes[at] === 0xff) {
      counts.set(inner.place, inner.seen);
      inner.left = 0;
      at++;
    } else {
      if (inner !== undefined) {
        inner.left--;
        inner.seen++;
      }
      const behind = cursor.head(at, head);
      const isMap = head.kind === "map";
      if (isMap || head.kind === "array") {
        const left = head.value < 0 ? Number.POSITIVE_INFINITY : isMap ? head.value * 2 : head.value;
        open.push({ place: at, left, seen: 0 });
        at = behind;
      } else {
        at = cursor.skip(at);
      }
    }
    while (open.at(-1)?.left === 0) open.pop();
  } while (open.length > 0);
  return counts;
}

/** Writes an encoded item in canonical form, and moves it behind what was written. Returns whether it is trivial. */
export function writeEncoded(encoder: ContainerEncoder, item: EncodedItem, depth: number): boolean {
  const { data } = encoder;
  const { cursor } = item;
  const head: Item = { kind: "other", value: 0 };
  const place = item.at;
  const behind = cursor.head(place, head);
  const start = data.pos;
  if (head.kind === "array" || head.kind === "map") {
    item.at = behind;
    const count = head.value < 0 ? item.count(place) / (head.kind === "map" ? 2 : 1) : head.value;
    const trivial = writeContainer(encoder, item, head.kind === "map", count, depth);
    // The break.
    if (head.value < 0) item.at++;
    return trivial;
  }
  const sized = (head.kind === "text" || head.kind === "bytes") && head.value >= 0;
  if (sized) {
    item.at = behind + head.value;
    const content = cursor.bytes.subarray(behind, item.at);
    if (head.kind === "text") data.utf8(content);
    else data.bytes(content);
  } else if (head.kind === "null") {
    item.at = behind;
    data.nil();
  } else if ((head.kind === "uint" || head.kind === "int") && Number.isSafeInteger(head.value)) {
    item.at = behind;
    data.int(head.value);
  } else {
    item.at = cursor.skip(place);
    const tagged = item.protocol === "cbor" ? taggedItem(item, place) : undefined;
    if (tagged !== undefined) return encoder.value(tagged, depth);
    const value = item.decode(cursor.bytes.subarray(place, item.at));
    // A number that was not found to be an integer is a float.
    if (typeof value !== "number" || head.kind !== "other") return encoder.value(value, depth);
    data.float(value);
  }
  return data.pos - start <= encoder.options.trivialSize;
}

/** Tags that have a meaning here, so that what they stand before is decoded. */
const MEANT = [0n, 1n, 2n, 3n, 258n];

/** At a tag of CBOR without a meaning here: the tag before what is still encoded. */
function taggedItem({ cursor, protocol, decode }: EncodedItem, place: number): Tagged | undefined {
  const { bytes } = cursor;
  const type = bytes[place]!;
  if (type >> 5 !== 6) return undefined;
  const info = type & 31;
  const behind = place + 1 + (info < 24 ? 0 : 1 << (info - 24));
  let tag = info < 24 ? BigInt(info) : 0n;
  for (let at = place + 1; at < behind; at++) tag = (tag << 8n) | BigInt(bytes[at]!);
  if (MEANT.includes(tag)) return undefined;
  return new Tagged(tag, new EncodedItem(cursor, protocol, behind, decode) as unknown as Value);
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
