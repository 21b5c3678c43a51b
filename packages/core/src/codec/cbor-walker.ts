import { fromFloat16 } from "../float16.js";
import { BEYOND, MALFORMED, TableWalker, type WalkedKind } from "../format/page-index-walker.js";

const LEAF = 0xa1617082;
/** Readers refuse longer integers: the time that arithmetic takes grows faster than their length. */
const MAX_BIGNUM_BYTES = 8192;
const KINDS: readonly WalkedKind[] = ["uint", "int", "bytes", "text", "array", "map", "other", "other"];

/** Walks over CBOR. */
export class CborWalker extends TableWalker {
  override readonly leaf: number = LEAF;
  override readonly branch: number = 0xa2617082;

  override head(at: number): number {
    const type = this.bytes[at]!;
    const major = type >> 5;
    const info = type & 31;
    if (info >= 28) return this.#unusual(major, info, at);
    const value = this.#number(info, at);
    const after = at + 1 + (info < 24 ? 0 : 1 << (info - 24));
    const kind = type === 0xf6 ? "null" : KINDS[major]!;
    if (major === 1) return this.found(kind, -1 - value, after, 0, 0);
    const payload = major === 2 || major === 3 ? value : 0;
    const items = major === 4 ? value : major === 5 ? value * 2 : major === 6 ? 1 : 0;
    return this.found(kind, value, after, payload, items);
  }

  /** Items of indefinite length, and the break that ends them. 28, 29 and 30 are reserved. */
  #unusual(major: number, info: number, at: number): number {
    if (info === 31 && major === 7) return this.found("break", 0, at + 1, 0, 0);
    if (info === 31 && major >= 2 && major <= 5) return this.found(KINDS[major]!, -1, at + 1, 0, -1);
    return this.found("malformed", 0, at, 0, 0);
  }

  #number(info: number, at: number): number {
    const { view } = this;
    if (info < 24) return info;
    if (info === 26) return view.getUint32(at + 1);
    if (info === 24) return view.getUint8(at + 1);
    if (info === 25) return view.getUint16(at + 1);
    return view.getUint32(at + 1) * 2 ** 32 + view.getUint32(at + 5);
  }

  override uint(at: number): number {
    const type = this.bytes[at]!;
    if (type === 0x1a) {
      this.value = this.view.getUint32(at + 1);
      return at + 5;
    }
    if (type > 27) return MALFORMED;
    this.value = this.#number(type, at);
    return at + 1 + (type < 24 ? 0 : 1 << (type - 24));
  }

  override skip(start: number, limit: number): number {
    const { bytes, view } = this;
    /** What is left outside of each item of indefinite length that is open. */
    let outside: number[] | undefined;
    let at = start;
    let left = 1;
    for (;;) {
      while (left === 0) {
        const before = outside?.pop();
        if (before === undefined) return at <= limit ? at : BEYOND;
        left = before;
      }
      if (at >= limit) return BEYOND;
      const type = bytes[at]!;
      if (type < 24) {
        at++;
        left--;
      } else if (type >= 0x60 && type < 0x78) {
        at += 1 + (type & 31);
        left--;
      } else if (type === 0xa1 && view.getUint32(at) === LEAF) {
        at += 4;
        left++;
      } else {
        at = this.head(at) + this.payload;
        if (this.kind === "malformed") return MALFORMED;
        if (this.kind === "break") {
          // A break ends an open item of indefinite length, and nothing else.
          if (left !== Number.POSITIVE_INFINITY) return MALFORMED;
          left = 0;
        } else if (this.items < 0) {
          outside ??= [];
          outside.push(left - 1);
          left = Number.POSITIVE_INFINITY;
        } else {
          left += this.items - 1;
        }
      }
    }
  }

  override key(at: number, end: number): number | bigint | Uint8Array | string | undefined {
    const { view } = this;
    const type = this.bytes[at]!;
    if (type === 0xf9) return fromFloat16(view.getUint16(at + 1));
    if (type === 0xfa) return view.getFloat32(at + 1);
    if (type === 0xfb) return view.getFloat64(at + 1);
    if (type === 0x1b) return view.getBigUint64(at + 1);
    if (type === 0x3b) return -1n - view.getBigUint64(at + 1);
    const after = this.head(at);
    if (this.kind === "uint" || this.kind === "int") return this.value;
    if (this.kind === "text" && this.value < 0) return new TextDecoder().decode(this.#pieces(after, end));
    if (this.kind === "bytes" && this.value < 0) return this.#pieces(after, end);
    // Tags 2 and 3: integers of any length.
    if (type !== 0xc2 && type !== 0xc3) return undefined;
    const start = this.head(after);
    if (this.kind !== "bytes" || end - start > MAX_BIGNUM_BYTES) return undefined;
    let value = 0n;
    for (const byte of this.value < 0 ? this.#pieces(start, end) : this.bytes.subarray(start, end)) {
      value = value * 256n + BigInt(byte);
    }
    return type === 0xc2 ? value : -1n - value;
  }

  /** The content of a text or byte string in pieces, from its first piece up to the break before `end`. */
  #pieces(start: number, end: number): Uint8Array {
    const content: number[] = [];
    for (let at = start; at < end - 1; ) {
      const after = this.head(at);
      at = after + this.payload;
      for (let i = after; i < at; i++) content.push(this.bytes[i]!);
    }
    return Uint8Array.from(content);
  }
}
