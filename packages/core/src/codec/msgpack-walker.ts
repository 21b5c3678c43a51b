import { BEYOND, MALFORMED, TableWalker } from "../format/page-index-walker.js";

const LEAF = 0x81a17092;

/** Sizes of the items whose first byte tells it, that byte included. 0 for the others. */
const WIDTHS: Uint8Array = (() => {
  const widths = new Uint8Array(256);
  widths.fill(1, 0, 0x80);
  widths.fill(1, 0xe0);
  for (let length = 0; length < 32; length++) widths[0xa0 + length] = 1 + length;
  for (const type of [0xc0, 0xc2, 0xc3]) widths[type] = 1;
  widths.set([5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 3, 4, 6, 10, 18], 0xca);
  return widths;
})();

/** Walks over MessagePack. */
export class MsgpackWalker extends TableWalker {
  override readonly leaf: number = LEAF;
  override readonly branch: number = 0x82a17092;

  override head(at: number): number {
    const type = this.bytes[at]!;
    if (type < 0x80) return this.found("uint", type, at + 1, 0, 0);
    if (type < 0x90) return this.found("map", type & 15, at + 1, 0, (type & 15) * 2);
    if (type < 0xa0) return this.found("array", type & 15, at + 1, 0, type & 15);
    if (type < 0xc0) return this.found("text", type & 31, at + 1, type & 31, 0);
    if (type >= 0xe0) return this.found("int", type - 0x100, at + 1, 0, 0);
    if (type === 0xc1) return this.found("malformed", 0, at, 0, 0);
    if (type >= 0xcc && type <= 0xd3) return this.#integer(type, at);
    const width = WIDTHS[type]!;
    if (width !== 0) return this.found(type === 0xc0 ? "null" : "other", 0, at + width, 0, 0);
    const value = this.#length(type, at);
    const after = at + 1 + lengthWidth(type);
    if (type >= 0xde) return this.found("map", value, after, 0, value * 2);
    if (type >= 0xdc) return this.found("array", value, after, 0, value);
    if (type >= 0xd9) return this.found("text", value, after, value, 0);
    if (type >= 0xc7) return this.found("other", value, after, value + 1, 0);
    return this.found("bytes", value, after, value, 0);
  }

  #integer(type: number, at: number): number {
    const after = at + WIDTHS[type]!;
    const value = type <= 0xcf ? this.#unsigned(type, at) : Number(this.#signed(type, at));
    return this.found(value < 0 ? "int" : "uint", value, after, 0, 0);
  }

  #unsigned(type: number, at: number): number {
    const { view } = this;
    if (type === 0xce) return view.getUint32(at + 1);
    if (type === 0xcf) return view.getUint32(at + 1) * 2 ** 32 + view.getUint32(at + 5);
    return type === 0xcd ? view.getUint16(at + 1) : view.getUint8(at + 1);
  }

  #signed(type: number, at: number): number | bigint {
    const { view } = this;
    if (type === 0xd3) return view.getBigInt64(at + 1);
    if (type === 0xd2) return view.getInt32(at + 1);
    return type === 0xd1 ? view.getInt16(at + 1) : view.getInt8(at + 1);
  }

  /** The length or count that follows a type. */
  #length(type: number, at: number): number {
    const width = lengthWidth(type);
    if (width === 1) return this.view.getUint8(at + 1);
    return width === 2 ? this.view.getUint16(at + 1) : this.view.getUint32(at + 1);
  }

  override uint(at: number): number {
    const type = this.bytes[at]!;
    if (type < 0x80) {
      this.value = type;
      return at + 1;
    }
    if (type === 0xce) {
      this.value = this.view.getUint32(at + 1);
      return at + 5;
    }
    const after = this.head(at);
    return this.kind === "uint" ? after : MALFORMED;
  }

  override skip(start: number, limit: number): number {
    const { bytes, view } = this;
    let at = start;
    let left = 1;
    while (left > 0) {
      if (at >= limit) return BEYOND;
      const type = bytes[at]!;
      const width = WIDTHS[type]!;
      if (width !== 0) {
        at += width;
        left--;
      } else if (type === 0x81 && view.getUint32(at) === LEAF) {
        // Most of a table: its two integers are left.
        at += 4;
        left++;
      } else if (type < 0xa0) {
        left += (type < 0x90 ? (type & 15) * 2 : type & 15) - 1;
        at++;
      } else {
        if (type === 0xc1) return MALFORMED;
        at = this.head(at) + this.payload;
        left += this.items - 1;
      }
    }
    return at <= limit ? at : BEYOND;
  }

  override key(at: number): number | bigint | undefined {
    const type = this.bytes[at]!;
    if (type === 0xca) return this.view.getFloat32(at + 1);
    if (type === 0xcb) return this.view.getFloat64(at + 1);
    this.head(at);
    return this.kind === "uint" || this.kind === "int" ? this.value : undefined;
  }
}

/** Bytes of the length that follows a type: byte strings (c4), extensions (c7), texts (d9), arrays and maps (dc). */
function lengthWidth(type: number): number {
  if (type >= 0xdc) return type & 1 ? 4 : 2;
  return 1 << (type >= 0xd9 ? type - 0xd9 : type >= 0xc7 ? type - 0xc7 : type - 0xc4);
}
