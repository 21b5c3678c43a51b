import type { Cursor, Item } from "../format/cursor.js";
import type { Value } from "../values.js";
import type { ArchiveEncoder } from "./encoder.js";

/**
 * A value that is already encoded, in whichever codec, to be written anew in its canonical form. What it is stays what it
 * is: a float does not become an integer because its value is integral.
 */
export class EncodedItem {
  /** Over bytes that are known to be well-formed. */
  readonly cursor: Cursor;
  /** Decodes what has no form of its own in every codec: extensions, tags, wide integers. */
  readonly decode: (bytes: Uint8Array) => Value;
  /** Where the item starts; moves on as it is written. */
  at: number;

  constructor(cursor: Cursor, at: number, decode: (bytes: Uint8Array) => Value) {
    this.cursor = cursor;
    this.at = at;
    this.decode = decode;
  }
}

/** Writes an encoded item in canonical form, and moves it behind what was written. Returns whether it is trivial. */
export function writeEncoded(encoder: ArchiveEncoder, item: EncodedItem, depth: number): boolean {
  const { data } = encoder;
  const { cursor } = item;
  const head: Item = { kind: "other", value: 0 };
  const place = item.at;
  const behind = cursor.head(place, head);
  const start = data.pos;
  if (head.kind === "array" || head.kind === "map") {
    item.at = behind;
    return writeContainer(encoder, item, head.kind === "map", head.value, depth);
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
    const value = item.decode(cursor.bytes.subarray(place, item.at));
    // A number that was not found to be an integer is a float.
    if (typeof value !== "number" || head.kind !== "other") return encoder.value(value, depth);
    data.float(value);
  }
  return data.pos - start <= encoder.options.trivialSize;
}

function writeContainer(
  encoder: ArchiveEncoder,
  item: EncodedItem,
  isMap: boolean,
  announced: number,
  depth: number,
): boolean {
  const { cursor } = item;
  let count = announced;
  if (announced < 0) {
    // Of indefinite length: the items are counted up to the break.
    count = 0;
    for (let at = item.at; cursor.bytes[at] !== 0xff; at = cursor.skip(at)) count++;
    if (isMap) count /= 2;
  }
  encoder.begin(isMap, count, depth);
  let trivial = true;
  for (let i = 0; i < count; i++) {
    if (isMap) {
      encoder.key(item, depth + 1);
      encoder.note(encoder.data.pos);
    }
    const before = encoder.toc.packer.pos;
    if (!writeEncoded(encoder, item, depth + 1)) trivial = false;
    encoder.noteEnd(before);
  }
  if (announced < 0) item.at++;
  return encoder.end(isMap, trivial);
}
