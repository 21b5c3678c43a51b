import { Cursor, found, type Item, type ItemKind } from "../format/cursor.js";

const CBOR_KINDS: readonly ItemKind[] = ["uint", "int", "bytes", "text", "array", "map", "other", "other"];

/** Walks over CBOR. */
export class CborCursor extends Cursor {
  override head(at: number, item: Item): number {
    const type = this.bytes[at]!;
    if (type === 0xf6) return found(item, "null", 0, at + 1);
    const major = type >> 5;
    if (major >= 6) return found(item, "other", 0, this.skip(at));
    const behind = this.#number(at, item);
    item.kind = CBOR_KINDS[major]!;
    if (major === 1) item.value = -1 - item.value;
    return behind;
  }

  /** The number in a head; −1 for an indefinite length. */
  #number(at: number, item: Item): number {
    const info = this.bytes[at]! & 31;
    const { view } = this;
    if (info < 24) return found(item, "uint", info, at + 1);
    if (info === 24) return found(item, "uint", view.getUint8(at + 1), at + 2);
    if (info === 25) return found(item, "uint", view.getUint16(at + 1), at + 3);
    if (info === 26) return found(item, "uint", view.getUint32(at + 1), at + 5);
    if (info === 27)
      return found(item, "uint", view.getUint32(at + 1) * 2 ** 32 + view.getUint32(at + 5), at + 9);
    return found(item, "uint", -1, at + 1);
  }

  override skip(start: number): number {
    const item: Item = { kind: "other", value: 0 };
    /** What is left outside of each indefinite item that is open. Inside one, counting has no end. */
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
      at = this.#number(at, item);
      const { value } = item;
      if (value === -1) {
        outside.push(left);
        left = Number.POSITIVE_INFINITY;
      } else if (major === 2 || major === 3) at += value;
      else if (major === 4) left += value;
      else if (major === 5) left += value * 2;
      else if (major === 6) left++;
    }
  }
}
