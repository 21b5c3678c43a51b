import { PeekpackError } from "../errors.js";
import { NOT_ASCII } from "./utf8.js";

/** Sizes of a window in bytes. A text that was cut out of a window keeps it in memory, so that it must be small. */
const MIN_WINDOW = 64;
const MAX_WINDOW = 16 * 1024;
/** Longer texts are decoded by themselves. */
const LONG = 256;
/** Texts up to this length are made of their char codes. */
const SHORT = 12;

// A BOM at the start of a text is part of the text.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the texts of one value, and checks that they are UTF-8.
 *
 * A call of TextDecoder costs more than most texts. Texts in ASCII are therefore cut out of a window: a stretch of the bytes
 * that was decoded at once, with the high bits of all bytes cleared. Where texts are sparse the windows get smaller.
 */
export class TextReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #window = "";
  #start = 0;
  #end = 0;
  #size = MIN_WINDOW;
  /** Bytes of texts since the window's start. */
  #used = 0;
  #scratch: DataView | undefined;

  constructor(bytes: Uint8Array, view: DataView) {
    this.#bytes = bytes;
    this.#view = view;
  }

  /**
   * Returns the text in `bytes[start … end)`, which must lie within the bytes, after the text before.
   * @throws PeekpackError `corrupt` if it is not UTF-8
   */
  text(start: number, end: number): string {
    const length = end - start;
    if (length > LONG) return this.#decode(start, end);
    const view = this.#view;
    const bytes = this.#bytes;
    let high = 0;
    let at = start;
    for (; at + 4 <= end; at += 4) high |= view.getInt32(at);
    for (; at < end; at++) high |= bytes[at]!;
    if ((high & NOT_ASCII) !== 0) return this.#decode(start, end);
    if (length <= SHORT) return shortText(bytes, start, length);
    if (end > this.#end) return this.#beyond(start, end);
    this.#used += length;
    return this.#window.substring(start - this.#start, end - this.#start);
  }

  /** A text in ASCII that ends outside of the window. */
  #beyond(start: number, end: number): string {
    const length = end - start;
    const dense = this.#used * 4 >= start - this.#start;
    this.#size = dense ? Math.min(this.#size * 2, MAX_WINDOW) : Math.max(this.#size / 2, MIN_WINDOW);
    this.#start = start;
    this.#used = length;
    if (length * 4 > this.#size) return this.#decode(start, end);
    this.#end = Math.min(this.#bytes.length, start + this.#size);
    this.#window = this.#masked(start, this.#end);
    return this.#window.substring(0, length);
  }

  #masked(start: number, end: number): string {
    if (this.#scratch === undefined || this.#scratch.byteLength < this.#size) {
      this.#scratch = new DataView(new ArrayBuffer(this.#size));
    }
    const scratch = this.#scratch;
    const view = this.#view;
    let at = start;
    let to = 0;
    for (; at + 4 <= end; at += 4, to += 4) scratch.setInt32(to, view.getInt32(at) & 0x7f7f7f7f);
    for (; at < end; at++, to++) scratch.setUint8(to, view.getUint8(at) & 0x7f);
    return decoder.decode(new Uint8Array(scratch.buffer, 0, to));
  }

  #decode(start: number, end: number): string {
    try {
      return decoder.decode(this.#bytes.subarray(start, end));
    } catch (cause) {
      throw new PeekpackError("corrupt", "A text is not UTF-8.", { section: "data", offset: start, cause });
    }
  }
}

/** Keeps the hidden class alive: engines discard code that was compiled for a class without instances. */
export const NO_TEXTS: TextReader = new TextReader(new Uint8Array(0), new DataView(new ArrayBuffer(0)));

/** A text in ASCII of at most 12 bytes. One call for each length, because joining makes further strings. */
function shortText(b: Uint8Array, at: number, length: number): string {
  const code = String.fromCharCode;
  let i = at;
  // biome-ignore format: a line for each length
  switch (length) {
    case 0: return "";
    case 1: return code(b[i++]!);
    case 2: return code(b[i++]!, b[i++]!);
    case 3: return code(b[i++]!, b[i++]!, b[i++]!);
    case 4: return code(b[i++]!, b[i++]!, b[i++]!, b[i++]!);
    case 5: return code(b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!);
    case 6: return code(b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!);
    case 7: return code(b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!);
    case 8: return code(b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!);
    case 9: return code(b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!);
    case 10: return code(b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!);
    case 11: return code(b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!);
    default: return code(b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!, b[i++]!);
  }
}
