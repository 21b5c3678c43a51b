import type { NdArray } from "./nd-array.js";

/**
 * Every value that reading an archive can give. Lists are arrays; maps are plain objects, or `Map` on request
 * (`maps: "map"`) and where a key is not a string; integers beyond ±(2^53 − 1) are `bigint`.
 */
export type Value =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | Timestamp
  | Ext
  | Tagged
  | Simple
  | NdArray
  | Value[]
  | { [key: string]: Value }
  | Map<Value, Value>
  | Set<Value>;

/** A MessagePack extension that has no JavaScript value: its type (−128 … 127) and its bytes (a copy). */
export class Ext {
  readonly type: number;
  readonly data: Uint8Array;

  /** @throws RangeError when `type` is not an integer from −128 to 127. */
  constructor(type: number, data: Uint8Array) {
    if (!Number.isInteger(type) || type < -128 || type > 127) {
      throw new RangeError(`An extension's type is an integer from -128 to 127, not ${type}.`);
    }
    this.type = type;
    this.data = data;
  }
}

/** A CBOR tag that has no JavaScript value: its number (a bigint beyond 2^53 − 1) and its content. */
export class Tagged {
  readonly tag: number | bigint;
  readonly value: Value;

  /** @throws RangeError when `tag` is not an integer from 0 to 2^64 − 1. */
  constructor(tag: number | bigint, value: Value) {
    if (typeof tag === "number" ? !Number.isSafeInteger(tag) || tag < 0 : tag < 0n || tag >> 64n !== 0n) {
      throw new RangeError(`A tag's number is an integer from 0 to 2^64 - 1, not ${tag}.`);
    }
    this.tag = tag;
    this.value = value;
  }
}

/** A CBOR simple value without a meaning of its own: 0 … 19 or 32 … 255. */
export class Simple {
  readonly value: number;

  /** @throws RangeError when `value` is not such a number. */
  constructor(value: number) {
    if (!Number.isInteger(value) || value < 0 || value > 255 || (value > 19 && value < 32)) {
      throw new RangeError(`A simple value is an integer from 0 to 19 or from 32 to 255, not ${value}.`);
    }
    this.value = value;
  }
}

/** An instant that a Date cannot hold: finer than a millisecond, or beyond the years of a Date. */
export class Timestamp {
  /** Whole seconds since 1970 UTC, rounded down; a bigint beyond ±(2^53 − 1). */
  readonly seconds: number | bigint;
  /** 0 … 999,999,999, counted forward from `seconds`. */
  readonly nanoseconds: number;

  /** @throws RangeError when `seconds` is no integer or `nanoseconds` is not one from 0 to 999,999,999. */
  constructor(seconds: number | bigint, nanoseconds = 0) {
    if (typeof seconds === "number" && !Number.isSafeInteger(seconds)) {
      throw new RangeError(`A timestamp's seconds are an integer, not ${seconds}.`);
    }
    if (!Number.isInteger(nanoseconds) || nanoseconds < 0 || nanoseconds > 999_999_999) {
      throw new RangeError(
        `A timestamp's nanoseconds are an integer from 0 to 999,999,999, not ${nanoseconds}.`,
      );
    }
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }

  /** The same instant as a Date, cut down to milliseconds; an invalid Date beyond a Date's range. */
  toDate(): Date {
    return new Date(Number(this.seconds) * 1000 + Math.floor(this.nanoseconds / 1e6));
  }
}

/** A Date where milliseconds hold the instant, else a {@link Timestamp}. */
export function instant(seconds: number | bigint, nanoseconds: number): Date | Timestamp {
  if (typeof seconds === "number" && nanoseconds % 1e6 === 0) {
    const date = new Date(seconds * 1000 + nanoseconds / 1e6);
    if (!Number.isNaN(date.getTime())) return date;
  }
  return new Timestamp(seconds, nanoseconds);
}

/** A number that is written as a float whatever its value: what {@link float64} makes. */
export class Float64 {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }
}

/**
 * Marks a number as a float, so that `float64(1)` is written as 1.0 (9 bytes) and not as the integer 1. Numbers with a
 * fraction, −0, NaN, infinities and numbers beyond ±(2^53 − 1) are floats without it.
 * @throws TypeError when `value` is not a number.
 */
export function float64(value: number): Float64 {
  if (typeof value !== "number") throw new TypeError("float64 takes a number.");
  return new Float64(value);
}
