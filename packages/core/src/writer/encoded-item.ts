import type { Cursor } from "../format/cursor.js";
import type { Value } from "../values.js";

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
