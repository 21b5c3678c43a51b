import type { ContainerEncoder } from "./container-encoder.js";

/** Size of a 64-bit float in both codecs. */
const FLOAT = 9;

/**
 * Writes a typed array of floats as a list. Every item is written as a float, whatever its value. The blocks are those that
 * the reference gives to a row of a numpy array: its "python" backend cuts blocks of equal counts, and makes a single block
 * if one holds all.
 */
export function writeFloats(
  encoder: ContainerEncoder,
  array: Float64Array | Float32Array,
  depth: number,
): boolean {
  const { data, toc, options } = encoder;
  const count = array.length;
  const start = data.pos;
  encoder.begin(false, count, depth);
  const body = data.pos;
  for (let i = 0; i < count; i++) data.float(array[i]!);
  const size = data.pos - start;
  if (options.profile === "rust" || toc.isSmall(size) || data.pos - body !== count * FLOAT) {
    // CBOR writes NaN and infinities shorter. The reference fails for these; here they are cut as in any list.
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
 * Ends a list of numbers that were not noted: their sizes are read back from their bytes. `floats`: all of them were written
 * as floats.
 */
export function endNumbers(encoder: ContainerEncoder, body: number, count: number, floats: boolean): boolean {
  const { data, toc, options } = encoder;
  // The head is at most 9 bytes long.
  if (toc.isSmall(data.pos - body + 9)) return encoder.end(false, true);
  if (options.trivialSize >= FLOAT) {
    // Every number is trivial.
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
