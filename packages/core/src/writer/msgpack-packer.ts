import { PeekpackError } from "../errors.js";
import { Ext, Timestamp } from "../values.js";
import { Packer } from "./packer.js";

/** MessagePack, each item in its shortest form (format.md, section 4 of the format's description). */
export class MsgpackPacker extends Packer {
  readonly protocol = "msgpack" as const;
  readonly floatTag = 0xcb;

  override nil(): void {
    this.reserve(1);
    this.buf[this.pos++] = 0xc0;
  }

  override bool(value: boolean): void {
    this.reserve(1);
    this.buf[this.pos++] = value ? 0xc3 : 0xc2;
  }

  override int(value: number): void {
    if (this.pos + 9 > this.buf.length) this.reserve(9);
    const { buf } = this;
    let at = this.pos;
    if (value >= 0) {
      if (value < 0x80) {
        buf[at++] = value;
      } else if (value < 0x100) {
        buf[at++] = 0xcc;
        buf[at++] = value;
      } else if (value < 0x10000) {
        buf[at++] = 0xcd;
        buf[at++] = value >> 8;
        buf[at++] = value;
      } else if (value < 0x100000000) {
        buf[at++] = 0xce;
        this.view.setUint32(at, value);
        at += 4;
      } else {
        buf[at++] = 0xcf;
        this.#halves(at, value);
        at += 8;
      }
    } else if (value >= -0x20) {
      buf[at++] = value;
    } else if (value >= -0x80) {
      buf[at++] = 0xd0;
      buf[at++] = value;
    } else if (value >= -0x8000) {
      buf[at++] = 0xd1;
      this.view.setInt16(at, value);
      at += 2;
    } else if (value >= -0x80000000) {
      buf[at++] = 0xd2;
      this.view.setInt32(at, value);
      at += 4;
    } else {
      buf[at++] = 0xd3;
      this.#halves(at, value);
      at += 8;
    }
    this.pos = at;
  }

  #halves(at: number, value: number): void {
    this.view.setInt32(at, Math.floor(value / 0x100000000));
    this.view.setUint32(at + 4, value >>> 0);
  }

  override bigint(value: bigint): void {
    if (value >= -(2n ** 53n) && value <= 2n ** 53n) {
      const small = Number(value);
      if (Number.isSafeInteger(small)) {
        this.int(small);
        return;
      }
    }
    this.reserve(9);
    if (value > 0n) {
      if (value >> 64n !== 0n) throw outOfRange(value);
      this.buf[this.pos] = 0xcf;
      this.view.setBigUint64(this.pos + 1, value);
    } else {
      if (value < -(2n ** 63n)) throw outOfRange(value);
      this.buf[this.pos] = 0xd3;
      this.view.setBigInt64(this.pos + 1, value);
    }
    this.pos += 9;
  }

  override float(value: number): void {
    if (this.pos + 9 > this.buf.length) this.reserve(9);
    this.buf[this.pos] = 0xcb;
    this.view.setFloat64(this.pos + 1, value);
    this.pos += 9;
  }

  override numberSize(at: number): number {
    const type = this.buf[at]!;
    if (type < 0xca || type >= 0xe0) return 1;
    return type === 0xcb ? 9 : 1 + (1 << ((type - 0xcc) & 3));
  }

  override textHeadSize(length: number): number {
    return length < 32 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
  }

  override textHead(length: number): void {
    if (length < 32) this.buf[this.pos++] = 0xa0 | length;
    else this.#sized(0xd9, length);
  }

  override bytesHead(length: number): void {
    this.#sized(0xc4, length);
  }

  /** Writes a type byte of the family that begins at `base` (8, 16 and 32 bits of length) and the length. */
  #sized(base: number, length: number): void {
    const at = this.pos;
    if (length < 0x100) {
      this.buf[at] = base;
      this.buf[at + 1] = length;
      this.pos = at + 2;
    } else if (length < 0x10000) {
      this.buf[at] = base + 1;
      this.view.setUint16(at + 1, length);
      this.pos = at + 3;
    } else if (length < 0x100000000) {
      this.buf[at] = base + 2;
      this.view.setUint32(at + 1, length);
      this.pos = at + 5;
    } else {
      throw new PeekpackError("unsupported-value", "MessagePack holds at most 4 GiB in one item.");
    }
  }

  override array(count: number): void {
    this.#container(0x90, 0xdc, count);
  }

  override map(count: number): void {
    this.#container(0x80, 0xde, count);
  }

  #container(fix: number, wide: number, count: number): void {
    if (this.pos + 5 > this.buf.length) this.reserve(5);
    if (count < 16) {
      this.buf[this.pos++] = fix | count;
    } else if (count < 0x10000) {
      this.buf[this.pos] = wide;
      this.view.setUint16(this.pos + 1, count);
      this.pos += 3;
    } else if (count < 0x100000000) {
      this.buf[this.pos] = wide + 1;
      this.view.setUint32(this.pos + 1, count);
      this.pos += 5;
    } else {
      throw new PeekpackError(
        "unsupported-value",
        "MessagePack holds at most 2^32 - 1 items in a container.",
      );
    }
  }

  override special(value: unknown): boolean {
    if (value instanceof Date) {
      const ms = value.getTime();
      if (Number.isNaN(ms))
        throw new PeekpackError("unsupported-value", "An invalid Date cannot be written.");
      const seconds = Math.floor(ms / 1000);
      this.#timestamp(seconds, (ms - seconds * 1000) * 1e6);
    } else if (value instanceof Timestamp) {
      this.#timestamp(value.seconds, value.nanoseconds);
    } else if (value instanceof Ext) {
      this.#ext(value.type, value.data);
    } else {
      return false;
    }
    return true;
  }

  #ext(type: number, data: Uint8Array): void {
    const { length } = data;
    this.reserve(6 + length);
    const fixed = [1, 2, 4, 8, 16].indexOf(length);
    if (fixed >= 0) this.buf[this.pos++] = 0xd4 + fixed;
    else this.#sized(0xc7, length);
    this.buf[this.pos++] = type;
    this.buf.set(data, this.pos);
    this.pos += length;
  }

  /** The timestamp extension of the MessagePack specification: 32, 64 or 96 bits, the shortest that holds it. */
  #timestamp(seconds: number | bigint, nanoseconds: number): void {
    const wide = BigInt(seconds);
    const data = new DataView(new ArrayBuffer(12));
    let length = 12;
    if (wide >= 0n && wide < 2n ** 34n) {
      if (nanoseconds === 0 && wide < 2n ** 32n) {
        length = 4;
        data.setUint32(0, Number(wide));
      } else {
        length = 8;
        data.setBigUint64(0, (BigInt(nanoseconds) << 34n) | wide);
      }
    } else {
      if (BigInt.asIntN(64, wide) !== wide) throw outOfRange(wide);
      data.setUint32(0, nanoseconds);
      data.setBigInt64(4, wide);
    }
    this.#ext(-1, new Uint8Array(data.buffer, 0, length));
  }
}

function outOfRange(value: bigint): PeekpackError {
  return new PeekpackError(
    "unsupported-value",
    `The integer ${value} is beyond MessagePack's range of -2^63 to 2^64 - 1.`,
  );
}
