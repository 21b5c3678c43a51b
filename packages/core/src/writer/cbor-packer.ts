import { PeekpackError } from "../errors.js";
import { Simple, Tagged, Timestamp } from "../values.js";
import { Packer } from "./packer.js";

/** CBOR, each item in its shortest definite form; floats as the reference writes them (64 bits but for NaN and ±∞). */
export class CborPacker extends Packer {
  readonly protocol = "cbor" as const;
  readonly floatTag = 0xfb;

  override nil(): void {
    this.reserve(1);
    this.buf[this.pos++] = 0xf6;
  }

  override bool(value: boolean): void {
    this.reserve(1);
    this.buf[this.pos++] = value ? 0xf5 : 0xf4;
  }

  override int(value: number): void {
    if (value >= 0) this.#head(0, value);
    else this.#head(0x20, -1 - value);
  }

  override bigint(value: bigint, profile: "python" | "rust"): void {
    const negative = value < 0n;
    const magnitude = negative ? -1n - value : value;
    if (magnitude <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.#head(negative ? 0x20 : 0, Number(magnitude));
      return;
    }
    if (profile === "rust" && (negative ? magnitude >> 63n : magnitude >> 64n) !== 0n) {
      throw new PeekpackError(
        "unsupported-value",
        `The integer ${value} is beyond -2^63 to 2^64 - 1, which profile "rust" cannot write; profile "python" can.`,
      );
    }
    if (magnitude >> 64n === 0n) {
      this.reserve(9);
      this.buf[this.pos] = (negative ? 0x20 : 0) | 27;
      this.view.setBigUint64(this.pos + 1, magnitude);
      this.pos += 9;
      return;
    }
    let hex = magnitude.toString(16);
    if (hex.length % 2 === 1) hex = `0${hex}`;
    const digits = new Uint8Array(hex.length / 2);
    for (let i = 0; i < digits.length; i++) digits[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16);
    this.#head(0xc0, negative ? 3 : 2);
    this.bytes(digits);
  }

  override float(value: number): void {
    if (this.pos + 9 > this.buf.length) this.reserve(9);
    if (value - value === 0) {
      this.buf[this.pos] = 0xfb;
      this.view.setFloat64(this.pos + 1, value);
      this.pos += 9;
      return;
    }
    this.buf[this.pos] = 0xf9;
    this.view.setUint16(this.pos + 1, value > 0 ? 0x7c00 : value < 0 ? 0xfc00 : 0x7e00);
    this.pos += 3;
  }

  override numberSize(at: number): number {
    const info = this.buf[at]! & 0x1f;
    return info < 24 ? 1 : 1 + (1 << (info - 24));
  }

  override textHeadSize(length: number): number {
    return length < 24 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : length < 0x100000000 ? 5 : 9;
  }

  override textHead(length: number): void {
    this.#head(0x60, length);
  }

  override bytesHead(length: number): void {
    this.#head(0x40, length);
  }

  override array(count: number): void {
    this.#head(0x80, count);
  }

  override map(count: number): void {
    this.#head(0xa0, count);
  }

  /** The head of an item: major type (its top three bits) and a number of at most 2^53 − 1. */
  #head(major: number, value: number): void {
    if (this.pos + 9 > this.buf.length) this.reserve(9);
    const { buf } = this;
    let at = this.pos;
    if (value < 24) {
      buf[at++] = major | value;
    } else if (value < 0x100) {
      buf[at++] = major | 24;
      buf[at++] = value;
    } else if (value < 0x10000) {
      buf[at++] = major | 25;
      buf[at++] = value >> 8;
      buf[at++] = value;
    } else if (value < 0x100000000) {
      buf[at++] = major | 26;
      this.view.setUint32(at, value);
      at += 4;
    } else {
      buf[at++] = major | 27;
      this.view.setUint32(at, Math.floor(value / 0x100000000));
      this.view.setUint32(at + 4, value >>> 0);
      at += 8;
    }
    this.pos = at;
  }

  override special(value: unknown, write: (inner: unknown) => void): boolean {
    if (value === undefined) {
      this.raw(Uint8Array.of(0xf7));
    } else if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) {
        throw new PeekpackError("unsupported-value", "An invalid Date cannot be written.");
      }
      const ms = value.getTime() % 1000;
      this.#date(value, (ms < 0 ? ms + 1000 : ms) * 1e6);
    } else if (value instanceof Timestamp) {
      this.#date(value.toDate(), value.nanoseconds);
    } else if (value instanceof Tagged) {
      this.#tag(value.tag);
      write(value.value);
    } else if (value instanceof Simple) {
      if (value.value < 24) this.raw(Uint8Array.of(0xe0 | value.value));
      else this.raw(Uint8Array.of(0xf8, value.value));
    } else {
      return false;
    }
    return true;
  }

  #tag(tag: number | bigint): void {
    if (tag <= Number.MAX_SAFE_INTEGER) {
      this.#head(0xc0, Number(tag));
      return;
    }
    this.reserve(9);
    this.buf[this.pos] = 0xdb;
    this.view.setBigUint64(this.pos + 1, BigInt(tag));
    this.pos += 9;
  }

  /** Tag 0 with an RFC 3339 text: exact to the nanosecond, and what cbor2 writes for an aware datetime. */
  #date(date: Date, nanoseconds: number): void {
    const text = Number.isNaN(date.getTime()) ? "" : date.toISOString();
    if (text.length !== 24) {
      throw new PeekpackError("unsupported-value", "CBOR dates as text hold the years 0000 to 9999 only.");
    }
    // As cbor2 has it: no fraction, or six digits. Nine where six do not hold it.
    const digits = String(nanoseconds).padStart(9, "0").replace(/000$/, "");
    const fraction = nanoseconds === 0 ? "" : `.${digits}`;
    this.#head(0xc0, 0);
    this.string(`${text.slice(0, 19)}${fraction}Z`);
  }
}
