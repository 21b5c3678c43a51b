import { Cursor, found, type Item, type ItemKind } from "../format/cursor.js";
import { headSize, headValue, INDEFINITE } from "./cbor-head.js";

const CBOR_KINDS: readonly ItemKind[] = ["uint", "int", "bytes", "text", "array", "map", "other", "other"];

/** Walks over CBOR. */
export class CborCursor extends Cursor {
  override head(at: number, item: Item): number {
    const type = this.bytes[at]!;
    if (type === 0xf6) return found(item, "null", 0, at + 1);
    const major = type >> 5;
    if (major >= 6) return found(item, "other", 0, this.skip(at));
    const value = headValue(this.view, at);
    return found(item, CBOR_KINDS[major]!, major === 1 ? -1 - value : value, at + headSize(type));
  }

  override skip(start: number): number {
    /** How many items are left outside of each open item of indefinite length. */
    const outside: number[] = [];
    let left = 1;
    let at = start;
    for (;;) {
      while (left === 0) {
        if (outside.length === 0) return at;
        left = outside.pop()!;
      }
      const type = this.bytes[at]!;
      if (type === 0xff) {
        at++;
        left = outside.pop()!;
        continue;
      }
      left--;
      const major = type >> 5;
      const value = headValue(this.view, at);
      at += headSize(type);
      if (value === INDEFINITE) {
        outside.push(left);
        left = Number.POSITIVE_INFINITY;
      } else if (major === 2 || major === 3) at += value;
      else if (major === 4) left += value;
      else if (major === 5) left += value * 2;
      else if (major === 6) left++;
    }
  }
}
