import { PeekpackError } from "../errors.js";
import { isInteger } from "./integer.js";

/** Below this size a buffer grows fourfold: copies and fresh memory cost more than unused memory. */
const QUICK_GROWTH = 2 ** 24;

/** Up to this many units a loop over char codes is faster than a call into TextEncoder. */
const SHORT_STRING = 48;
/** Size of a 64-bit float, in both codecs. */
const FLOAT = 9;
/** Floats that are written before room for more is made. */
const RUN = 256;
/** The longest head of an item, in both codecs. */
const HEAD = 9;

/** Up to 24 encoded bytes. */
export interface Words {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
  readonly length: number;
}

/**
 * Writes single items of one codec, in canonical form, into a buffer that grows. Containers, spans and the table of contents
 * are the encoder's.
 */
export abstract class Packer {
  abstract readonly protocol: "msgpack" | "cbor";
  /** The buffer, written up to `pos`. Growth replaces it: do not keep it across a call. */
  buf: Uint8Array<ArrayBuffer>;
  view: DataView;
  pos = 0;
  /** Maximum size of the buffer in bytes. A write beyond it throws {@link SlabFull}. */
  limit: number = Number.POSITIVE_INFINITY;

  /** Takes a buffer, or makes one of the given size in bytes. */
  constructor(buffer: number | Uint8Array<ArrayBuffer>) {
    this.buf = typeof buffer === "number" ? new Uint8Array(buffer) : buffer;
    this.view = new DataView(this.buf.buffer);
  }

  /** Makes room for `n` more bytes. */
  reserve(n: number): void {
    if (this.pos + n > this.buf.length) this.#grow(n);
  }

  #grow(n: number): void {
    const need = this.pos + n;
    if (need > this.limit) throw new SlabFull();
    const size = Math.min(
      Math.max(need, this.buf.length * (this.buf.length < QUICK_GROWTH ? 4 : 2)),
      Math.max(need, this.limit),
    );
    this.replace(size, this.pos);
  }

  /** Replaces the buffer by one of `size` bytes, with the first `keep` bytes of the old one. */
  replace(size: number, keep: number): void {
    const grown = new Uint8Array(size);
    if (keep > 0) grown.set(this.buf.subarray(0, keep));
    this.buf = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Copies bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buf.set(bytes, this.pos);
    this.pos += bytes.length;
  }

  /** @throws PeekpackError `unsupported-value` for a lone surrogate. */
  string(value: string): void {
    const { length } = value;
    if (length > SHORT_STRING) {
      this.#longString(value);
      return;
    }
    const start = this.pos;
    if (start + HEAD + length > this.buf.length) this.reserve(HEAD + length);
    this.textHead(length);
    const { buf } = this;
    let at = this.pos;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        this.pos = start;
        this.#longString(value);
        return;
      }
      buf[at++] = unit;
    }
    this.pos = at;
  }

  #longString(value: string): void {
    this.reserve(HEAD + value.length * 3);
    const guess = this.textHeadSize(value.length);
    const written = writeUtf8(value, this.buf, this.pos + guess);
    if (written < 0) throw loneSurrogate();
    const head = this.textHeadSize(written);
    if (head !== guess) {
      this.buf.copyWithin(this.pos + head, this.pos + guess, this.pos + guess + written);
    }
    this.textHead(written);
    this.pos += written;
  }

  /** Writes the first `length` bytes of six words. */
  words({ a, b, c, d, e, f, length }: Words): void {
    const at = this.pos;
    if (at + 24 > this.buf.length) this.reserve(24);
    const { view } = this;
    view.setInt32(at, a);
    view.setInt32(at + 4, b);
    if (length > 8) {
      view.setInt32(at + 8, c);
      view.setInt32(at + 12, d);
    }
    if (length > 16) {
      view.setInt32(at + 16, e);
      view.setInt32(at + 20, f);
    }
    this.pos = at + length;
  }

  /** Writes a text that is given in UTF-8. */
  utf8(value: Uint8Array): void {
    this.reserve(HEAD + value.length);
    this.textHead(value.length);
    this.buf.set(value, this.pos);
    this.pos += value.length;
  }

  bytes(value: Uint8Array): void {
    this.reserve(HEAD + value.length);
    this.bytesHead(value.length);
    this.buf.set(value, this.pos);
    this.pos += value.length;
  }

  /**
   * Writes the items of a list from index `from` on while they are finite floats (`all`: any finite number), and returns
   * how many it wrote. One loop for all of them is twice as fast as a call for each (benchmarks, "encode").
   */
  floats(list: readonly unknown[], from: number, all: boolean): number {
    const { length } = list;
    const { floatTag } = this;
    let i = from;
    while (i < length) {
      const stop = Math.min(length, i + RUN);
      this.reserve((stop - i) * FLOAT);
      const { buf, view } = this;
      let at = this.pos;
      for (; i < stop; i++, at += FLOAT) {
        const item = list[i];
        // Numbers with a fraction need no other check.
        if (
          typeof item !== "number" ||
          (!(Math.floor(item) < item) && (item - item !== 0 || (!all && isInteger(item))))
        ) {
          this.pos = at;
          return i - from;
        }
        buf[at] = floatTag;
        view.setFloat64(at + 1, item);
      }
      this.pos = at;
    }
    return i - from;
  }

  /** The first byte of a 64-bit float. */
  abstract readonly floatTag: number;
  abstract nil(): void;
  abstract bool(value: boolean): void;
  /** Any integer of at most ±(2^53 − 1). */
  abstract int(value: number): void;
  /** @throws PeekpackError `unsupported-value` when the codec has no form for it. */
  abstract bigint(value: bigint, profile: "python" | "rust"): void;
  abstract float(value: number): void;
  /** Size in bytes of the number that was written at `at`, read back from its first byte. */
  abstract numberSize(at: number): number;
  /** The head of a text of so many bytes. Room for it must be there. */
  abstract textHead(length: number): void;
  /** Size in bytes of that head. */
  abstract textHeadSize(length: number): number;
  /** The head of a byte string of so many bytes. Room for it must be there. */
  abstract bytesHead(length: number): void;
  abstract array(count: number): void;
  abstract map(count: number): void;
  /** A value that only one of the codecs may know: extensions, tags, instants … `write` encodes what it holds. */
  abstract special(value: unknown, write: (inner: unknown) => void): boolean;
}

/** Thrown when a packer reaches its limit. The caller rewinds, and writes the value in smaller parts. */
export class SlabFull extends Error {}

const utf8 = new TextEncoder();

/**
 * Writes `text` as UTF-8 at `at` and returns its length in bytes. Room for three bytes a unit must be there.
 * Returns -1 when the text holds a lone surrogate, which TextEncoder would replace in silence.
 */
function writeUtf8(text: string, target: Uint8Array, at: number): number {
  const { written } = utf8.encodeInto(text, target.subarray(at));
  // ASCII has no surrogates, and needs no check.
  if (written !== text.length && !isWellFormed(text)) return -1;
  return written;
}

function isWellFormed(text: string): boolean {
  return typeof text.isWellFormed === "function"
    ? text.isWellFormed()
    : !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}

/** The error for a string that UTF-8 cannot hold. */
function loneSurrogate(): PeekpackError {
  return new PeekpackError("unsupported-value", "A string with a lone surrogate cannot be written as UTF-8.");
}
