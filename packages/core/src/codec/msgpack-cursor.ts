import { Cursor, found, type Item, type ItemKind } from "../format/cursor.js";

/** Walks over MessagePack. */
export class MsgpackCursor extends Cursor {
  override head(at: number, item: Item): number {
    const type = this.bytes[at]!;
    if (type < 0x80) return found(item, "uint", type, at + 1);
    if (type < 0x90) return found(item, "map", type & 15, at + 1);
    if (type < 0xa0) return found(item, "array", type & 15, at + 1);
    if (type < 0xc0) return found(item, "text", type & 31, at + 1);
    if (type >= 0xe0) return found(item, "int", type - 0x100, at + 1);
    switch (type) {
      case 0xc0:
        return found(item, "null", 0, at + 1);
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#sized(at, type - 0xc4, "bytes", item);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#sized(at, type - 0xcc, "uint", item);
      case 0xcf:
        return found(
          item,
          "uint",
          this.view.getUint32(at + 1) * 2 ** 32 + this.view.getUint32(at + 5),
          at + 9,
        );
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3: {
        const value =
          type === 0xd0
            ? this.view.getInt8(at + 1)
            : type === 0xd1
              ? this.view.getInt16(at + 1)
              : type === 0xd2
                ? this.view.getInt32(at + 1)
                : Number(this.view.getBigInt64(at + 1));
        return found(item, value < 0 ? "int" : "uint", value, at + 1 + (1 << (type - 0xd0)));
      }
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#sized(at, type - 0xd9, "text", item);
      case 0xdc:
      case 0xdd:
        return this.#sized(at, type - 0xdb, "array", item);
      case 0xde:
      case 0xdf:
        return this.#sized(at, type - 0xdd, "map", item);
      default:
        return found(item, "other", 0, this.skip(at));
    }
  }

  /** A number of 1, 2 or 4 bytes (`width` 0, 1, 2) after the type. */
  #sized(at: number, width: number, kind: ItemKind, item: Item): number {
    const value =
      width === 0
        ? this.bytes[at + 1]!
        : width === 1
          ? this.view.getUint16(at + 1)
          : this.view.getUint32(at + 1);
    return found(item, kind, value, at + 1 + (1 << width));
  }

  override skip(start: number): number {
    const { bytes, view } = this;
    let at = start;
    for (let left = 1; left > 0; left--) {
      const type = bytes[at++]!;
      if (type < 0x80 || type >= 0xe0) continue;
      if (type < 0xc0) {
        if (type >= 0xa0) at += type & 31;
        else left += type < 0x90 ? (type & 15) * 2 : type & 15;
        continue;
      }
      if (type <= 0xc3) continue;
      if (type >= 0xdc) {
        const count = type & 1 ? view.getUint32(at) : view.getUint16(at);
        at += type & 1 ? 4 : 2;
        left += type >= 0xde ? count * 2 : count;
      } else if (type === 0xca) at += 4;
      else if (type === 0xcb) at += 8;
      else if (type >= 0xcc && type <= 0xd3) at += 1 << ((type - 0xcc) & 3);
      else if (type >= 0xd4 && type <= 0xd8) at += 1 + (1 << (type - 0xd4));
      else {
        // Byte strings (c4), extensions (c7, one byte more for their type), texts (d9).
        const extension = type >= 0xc7 && type <= 0xc9;
        const width = type < 0xc7 ? type - 0xc4 : extension ? type - 0xc7 : type - 0xd9;
        const length = width === 0 ? bytes[at]! : width === 1 ? view.getUint16(at) : view.getUint32(at);
        at += (1 << width) + length + (extension ? 1 : 0);
      }
    }
    return at;
  }
}
