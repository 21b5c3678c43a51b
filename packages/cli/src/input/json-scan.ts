import { setImmediate } from "node:timers/promises";
import { PeekpackError } from "@peekpack/core";
import type { BytesListener, InputFile } from "./input-file.js";

/** A list or an object whose text is large. */
export interface LargeContainer {
  readonly isObject: boolean;
  /** The offsets of its opening bracket and after its closing one. */
  readonly start: number;
  readonly end: number;
  /** Items or entries. */
  readonly count: number;
}

/** What a first pass over a document finds. */
export interface JsonScan {
  /** The document, if it is a container of at least `largeBytes`. */
  readonly root: LargeContainer | undefined;
  /** Every container of at least `largeBytes`, by its start. */
  readonly large: ReadonlyMap<number, LargeContainer>;
}

const CHUNK = 1024 * 1024;
/** Deeper documents do not fit into an archive. */
const MAX_DEPTH = 10_000;

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d,
];

/**
 * Finds the large containers of a JSON document, and counts what is in them: a container of an archive begins with its count.
 * Brackets must match; all other rules of JSON are checked when the values are parsed.
 * @param start offset of the document in the input
 * @throws PeekpackError `corrupt` if brackets or a string do not end, or text follows the document
 */
export async function scanJson(
  input: InputFile,
  start: number,
  largeBytes: number,
  onBytes: BytesListener,
): Promise<JsonScan> {
  const fault = (what: string, at: number): PeekpackError =>
    new PeekpackError("corrupt", `${input.name} is not JSON: ${what} (byte ${at})`);
  const large = new Map<number, LargeContainer>();
  const starts: number[] = [];
  const kinds: boolean[] = [];
  const counts: number[] = [];
  let depth = 0;
  /** Commas of the innermost container, and whether there is anything in it. */
  let commas = 0;
  let isFilled = false;
  let inString = false;
  let skip = false;
  let root: LargeContainer | undefined;
  let isDone = false;
  for (let base = start; base < input.size; base += CHUNK) {
    const bytes = input.read(base, Math.min(input.size, base + CHUNK));
    const { length } = bytes;
    for (let i = 0; i < length; i++) {
      if (inString) {
        if (skip) {
          skip = false;
          continue;
        }
        let byte = bytes[i]!;
        while (byte !== QUOTE && byte !== BACKSLASH && ++i < length) byte = bytes[i]!;
        if (i === length) break;
        if (byte === QUOTE) inString = false;
        else skip = true;
        continue;
      }
      const byte = bytes[i]!;
      if (byte === COMMA) {
        commas++;
      } else if (byte === QUOTE) {
        isFilled = true;
        inString = true;
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (depth === 0 && (isDone || isFilled)) throw fault("text follows its end", base + i);
        if (depth === MAX_DEPTH) {
          throw new PeekpackError("limit", `${input.name} is nested deeper than ${MAX_DEPTH} levels`);
        }
        starts[depth] = base + i;
        kinds[depth] = byte === OPEN_OBJECT;
        counts[depth] = commas;
        depth++;
        commas = 0;
        isFilled = false;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        if (depth === 0 || kinds[depth - 1] !== (byte === CLOSE_OBJECT)) {
          throw fault("its brackets do not match", base + i);
        }
        depth--;
        const end = base + i + 1;
        const from = starts[depth]!;
        if (end - from >= largeBytes) {
          const count = isFilled || commas > 0 ? commas + 1 : 0;
          const found = { isObject: kinds[depth]!, start: from, end, count };
          large.set(from, found);
          if (depth === 0) root = found;
        }
        commas = counts[depth]!;
        isFilled = depth > 0;
        isDone = depth === 0;
      } else if (byte > 0x20) {
        isFilled = true;
      }
      if (isDone && (isFilled || commas > 0)) throw fault("text follows its end", base + i);
    }
    onBytes("counting", base + length);
    // Signals are heard in between.
    await setImmediate();
  }
  if (depth > 0 || inString) throw fault("it ends too early", input.size);
  return { root, large };
}
