import { constants } from "node:buffer";
import { isPeekpackError, listOf, mapOf, PeekpackError } from "@peekpack/core";
import type { BytesListener, InputFile } from "./input-file.js";
import { type JsonScan, type LargeContainer, scanJson } from "./json-scan.js";
import { decodeText, markLength } from "./text.js";

/** Sizes in bytes. Tests make them small. */
export interface JsonSizes {
  /** A document or a container of at most this size is parsed at once. */
  readonly large: number;
  /** Text that is parsed at a time. */
  readonly batch: number;
  /** Bytes that are read at a time. */
  readonly chunk: number;
}

const SIZES: JsonSizes = { large: 1024 * 1024, batch: 256 * 1024, chunk: 256 * 1024 };
/** Keys of one object that are compared with each other. More would need too much memory. */
const MAX_TRACKED_KEYS = 200_000;

const [QUOTE, BACKSLASH, COMMA, COLON, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x5c, 0x2c, 0x3a, 0x5b, 0x5d, 0x7b, 0x7d,
];

/**
 * The value of a JSON document, for `writeArchive`. Containers of more than 1 MiB of text are streams, so that the memory does
 * not depend on the size of the document. `JSON.parse` parses everything else.
 * @throws PeekpackError `corrupt` if it is not JSON
 */
export async function jsonDocument(
  input: InputFile,
  onBytes: BytesListener,
  sizes: JsonSizes = SIZES,
): Promise<unknown> {
  const start = markLength(input.read(0, Math.min(3, input.size)));
  if (input.size - start > sizes.large) {
    const scan = await scanJson(input, start, sizes.large, onBytes);
    if (scan.root !== undefined) return new JsonReader(input, scan, onBytes, sizes).value(scan.root);
  }
  return wholeJson(input, start);
}

/** Parses a document as a whole. */
export function wholeJson(
  input: InputFile,
  start: number = markLength(input.read(0, Math.min(3, input.size))),
): unknown {
  if (input.size - start > constants.MAX_STRING_LENGTH) {
    throw new PeekpackError(
      "limit",
      `${input.name} exceeds the ${constants.MAX_STRING_LENGTH} bytes that can be parsed at once`,
    );
  }
  return parsed(decodeText(input.read(start, input.size), input.name), input.name);
}

/** @throws PeekpackError `corrupt` with a position, if there is one */
export function parsed(text: string, name: string, start?: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const where = start === undefined ? "" : ` (in what begins at byte ${start})`;
    throw new PeekpackError("corrupt", `${name} is not JSON: ${(error as Error).message}${where}`, {
      cause: error,
    });
  }
}

/** Reads the large containers of a document, one child or one batch of children at a time. */
class JsonReader {
  readonly #input: InputFile;
  readonly #large: JsonScan["large"];
  readonly #onBytes: BytesListener;
  readonly #sizes: JsonSizes;

  constructor(input: InputFile, { large }: JsonScan, onBytes: BytesListener, sizes: JsonSizes) {
    this.#sizes = sizes;
    this.#input = input;
    this.#large = large;
    this.#onBytes = onBytes;
  }

  value(container: LargeContainer): unknown {
    const { count } = container;
    return container.isObject
      ? mapOf(this.#entries(container), { count })
      : listOf(this.#items(container), { count });
  }

  *#items(container: LargeContainer): Generator<unknown> {
    for (const piece of this.#pieces(container)) {
      if (piece.large === undefined) {
        yield* this.#parse("[", piece.bytes, "]", piece.start) as unknown[];
      } else {
        if (!isBlank(piece.bytes)) throw this.#fault(piece.start);
        yield this.value(piece.large);
      }
    }
  }

  *#entries(container: LargeContainer): Generator<[string, unknown]> {
    const seen = container.count <= MAX_TRACKED_KEYS ? new Set<string>() : undefined;
    for (const piece of this.#pieces(container)) {
      for (const entry of this.#entriesOf(piece)) {
        if (seen !== undefined && seen.size === seen.add(entry[0]).size) throw this.#duplicate(piece.start);
        yield entry;
      }
    }
  }

  #entriesOf(piece: Piece): [string, unknown][] {
    const { bytes, start, large } = piece;
    if (large !== undefined) {
      const [key, ...more] = Object.keys(this.#parse("{", bytes, "{}}", start) as object);
      if (key === undefined || more.length > 0) throw this.#fault(start);
      return [[key, this.value(large)]];
    }
    const entries = this.#inOrder(piece);
    if (new Set(entries.map(([key]) => key)).size < entries.length) throw this.#duplicate(start);
    return entries;
  }

  /**
   * Parses entries as a list of keys and values. As properties of an object, keys like "10" would come first, and every key
   * would stay in memory until the engine's next full collection.
   */
  #inOrder({ bytes, start, commas, colons }: Piece): [string, unknown][] {
    const separate = (byte: number): void => {
      for (const colon of colons) bytes[colon - start] = byte;
    };
    separate(COMMA);
    const list = unlessFault(() => this.#parse("[", bytes, "]", start) as unknown[]) ?? [];
    const entries: [string, unknown][] = [];
    for (let i = 0; i < list.length && typeof list[i] === "string"; i += 2) {
      entries.push([list[i] as string, list[i + 1]]);
    }
    const isPaired = commas.every((comma, i) => colons[i]! < comma && comma < colons[i + 1]!);
    if (!isPaired || entries.length !== commas.length + 1 || list.length !== entries.length * 2) {
      // Parsed as an object it says what is wrong.
      separate(COLON);
      this.#parse("{", bytes, "}", start);
      throw this.#fault(start);
    }
    return entries;
  }

  /**
   * Cuts the text in a container into pieces: batches of whole children, and for each large child the text before it. Follows
   * brackets and strings only.
   */
  *#pieces({ start, end }: LargeContainer): Generator<Piece> {
    const input = this.#input;
    const { batch: batchBytes, chunk } = this.#sizes;
    const last = end - 1;
    /** The bytes from `base` on. The piece begins at `from`. Offsets in the input. */
    let base = start + 1;
    let buffer = Buffer.alloc(0);
    let bytes = buffer;
    /** Reads on: `bytes` begins at an offset, with those bytes from there on that it has, and `count` more. */
    const fill = (at: number, count: number): void => {
      const kept = bytes.subarray(Math.min(at - base, bytes.length));
      const size = Math.min(last - at, kept.length + count);
      const target = size <= buffer.length ? buffer : Buffer.allocUnsafe(size);
      target.set(kept);
      input.fill(target.subarray(kept.length, size), at + kept.length);
      buffer = target;
      bytes = target.subarray(0, size);
      base = at;
    };
    fill(base, chunk);
    let from = base;
    let commas: number[] = [];
    let colons: number[] = [];
    let depth = 0;
    let inString = false;
    let at = base;
    /** After a large child, a comma or the end must come before another value. */
    let isAfterLarge = false;
    const cut = (to: number): Buffer => bytes.subarray(from - base, to - base);
    const batch = (to: number): Piece | undefined => {
      const piece = { bytes: cut(to), start: from, commas, colons, large: undefined };
      if (isBlank(piece.bytes) !== isAfterLarge) throw this.#fault(from);
      if (!isAfterLarge) return piece;
      isAfterLarge = false;
      return undefined;
    };
    for (;;) {
      if (at === base + bytes.length) {
        if (at >= last) break;
        // A scalar of any length may have to be kept: reading as much again keeps the copies cheap.
        fill(from, Math.max(chunk, at - from));
      }
      let i = at - base;
      const { length } = bytes;
      let stop = false;
      for (; i < length && !stop; i++) {
        const byte = bytes[i]!;
        if (inString) {
          if (byte === BACKSLASH) {
            // The escaped character may be in the next chunk.
            if (i + 1 === length) break;
            i++;
          } else if (byte === QUOTE) inString = false;
        } else if (byte === QUOTE) inString = true;
        else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
          if (depth === 0 && this.#large.has(base + i)) {
            stop = true;
            i--;
          } else depth++;
        } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
        else if (byte === COMMA && depth === 0) {
          if (base + i - from >= batchBytes || isAfterLarge) {
            stop = true;
            i--;
          } else commas.push(base + i);
        } else if (byte === COLON && depth === 0) colons.push(base + i);
      }
      at = base + i;
      if (!stop) {
        // An escape at the end of the chunk is looked at again with the next one, unless it is the last.
        if (at < base + length && base + length < last) {
          fill(from, chunk);
        } else at = base + length;
        continue;
      }
      if (bytes[at - base] === COMMA) {
        const piece = batch(at);
        if (piece !== undefined) yield piece;
        at++;
        this.#onBytes("writing", at);
      } else {
        const comma = commas.pop();
        if (comma !== undefined) {
          // That of the large child's key.
          if (colons.length > 0 && colons.at(-1)! > comma) colons.pop();
          const piece = batch(comma);
          if (piece !== undefined) yield piece;
          from = comma + 1;
        }
        if (isAfterLarge) throw this.#fault(at);
        const large = this.#large.get(at)!;
        yield { bytes: cut(at), start: from, commas: [], colons: [], large };
        at = large.end;
        fill(at, chunk);
        isAfterLarge = true;
      }
      from = at;
      commas = [];
      colons = [];
    }
    if (from > start + 1 || !isBlank(cut(last))) {
      const piece = batch(last);
      if (piece !== undefined) yield piece;
    }
    this.#onBytes("writing", end);
  }

  #parse(before: string, bytes: Buffer, after: string, start: number): unknown {
    const { name } = this.#input;
    return parsed(before + decodeText(bytes, name) + after, name, start);
  }

  #fault(start: number): PeekpackError {
    return new PeekpackError(
      "corrupt",
      `${this.#input.name} is not JSON: a value or a comma is missing (byte ${start})`,
    );
  }

  #duplicate(start: number): PeekpackError {
    return new PeekpackError(
      "duplicate-name",
      `${this.#input.name}: an object of more than 1 MiB has a key twice (in what begins at byte ${start})`,
    );
  }
}

function unlessFault<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (isPeekpackError(error)) return undefined;
    throw error;
  }
}

/** The bytes between two commas of a large container, or before a large child of it. */
interface Piece {
  readonly bytes: Buffer;
  /** Offset in the input. */
  readonly start: number;
  /** Where the commas between its children are. Offsets in the input. */
  readonly commas: readonly number[];
  /** Where the colons between keys and values are. Offsets in the input. */
  readonly colons: readonly number[];
  /** The large child that follows. */
  readonly large: LargeContainer | undefined;
}

/** Whether there is only JSON's white space. */
function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}
