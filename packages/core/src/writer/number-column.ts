import type { ArchiveEncoder } from "./encoder.js";

/** Any typed array of numbers or big integers. */
export type NumberArray = ArrayLike<number | bigint>;

/** Size of a 64-bit float in both codecs. */
const FLOAT = 9;

/**
 * Writes a typed array as a list of numbers. Floats are written as floats whatever their value, and have the shape that the
 * reference gives a row of a numpy array: its "python" backend cuts blocks of equal counts, and makes one block where all
 * fit it.
 */
export function writeNumbers(encoder: ArchiveEncoder, array: NumberArray, depth: number): boolean {
  if (!(array instanceof Float64Array || array instanceof Float32Array)) {
    return encoder.value(Array.from(array), depth);
  }
  const { data, toc, options } = encoder;
  const count = array.length;
  const start = data.pos;
  encoder.begin(false, count, depth);
  const body = data.pos;
  for (let i = 0; i < count; i++) data.float(array[i]!);
  const size = data.pos - start;
  if (options.profile === "rust" || toc.isSmall(size) || data.pos - body !== count * FLOAT) {
    // CBOR writes NaN and infinities shorter; there the reference's own way breaks, and the bytes are cut as in any list.
    return endNumbers(encoder, body, count, true);
  }
  return encoder.endBlocks(evenBlocks(body, count, Math.floor(options.threshold / FLOAT) + 1), 1);
}

/** Count, start and end of blocks of `group` floats each. */
function evenBlocks(body: number, count: number, group: number): number[] {
  const items = Math.max(1, Math.min(count, group));
  const blocks: number[] = [];
  for (let done = 0; done < count; done += items) {
    const start = body + done * FLOAT;
    const size = Math.min(items, count - done);
    blocks.push(size, start, start + size * FLOAT);
  }
  return blocks;
}

/**
 * Ends a list of numbers whose children were not noted: their sizes are read back from their bytes. `floats`: all of them
 * were written as floats.
 */
export function endNumbers(encoder: ArchiveEncoder, body: number, count: number, floats: boolean): boolean {
  const { data, toc, options } = encoder;
  // The head is at most 9 bytes long.
  if (toc.isSmall(data.pos - body + 9)) return encoder.end(false, true);
  if (options.trivialSize >= FLOAT) {
    // All are trivial, whatever they are.
    if (floats && data.pos - body === count * FLOAT) {
      return encoder.endBlocks(evenBlocks(body, count, Math.ceil(toc.blockBytes / FLOAT)), 2);
    }
    const cutter = toc.cutter(body);
    for (let i = 0, at = body; i < count; i++) {
      at += data.numberSize(at);
      cutter.item(at);
    }
    return encoder.endBlocks(cutter.finish(), 2);
  }
  let trivial = true;
  for (let i = 0, at = body; i < count; i++) {
    const size = data.numberSize(at);
    if (size > options.trivialSize) trivial = false;
    at += size;
    encoder.note(at);
  }
  return encoder.end(false, trivial);
}
