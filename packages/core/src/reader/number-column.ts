import { PeekpackError } from "../errors.js";
import type { BlockList, Branch } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { ArchiveReader } from "./archive-reader.js";
import { blockWindows } from "./entries.js";
import { type NumberArrayOf, type NumberType, numberArray, readNumbers, setNumber } from "./number-array.js";
import { readAhead } from "./read-ahead.js";

/** Room that is made before the first byte has arrived, in items. */
const FIRST_ITEMS = 2 ** 20;

/**
 * Reads the numbers of a list into a typed array: straight from their bytes if the list has blocks, else from its items.
 * @param items the list's items, for a list without blocks
 * @throws PeekpackError `unsupported-value` if an item is not a number or does not fit; `limit` for more than `maxItems`
 * @throws TypeError for an unknown type
 */
export async function readColumn<T extends NumberType>(
  archive: ArchiveReader,
  node: Branch | BlockList,
  type: T,
  items: (signal: AbortSignal | undefined) => AsyncIterable<unknown>,
  options?: ReadOptions,
): Promise<NumberArrayOf<T>> {
  const { limits } = archive.context;
  const length = node.kind === "blocked" ? node.length : node.count;
  if (length > limits.maxItems) {
    throw new PeekpackError("limit", `The list has ${length} items (limit maxItems).`, { section: "toc" });
  }
  // Grown as bytes arrive: a table may announce any number.
  let array = numberArray(type, Math.min(length, FIRST_ITEMS));
  const growTo = (count: number): void => {
    if (count <= array.length) return;
    const grown = numberArray(type, Math.min(length, Math.max(count, array.length * 2)));
    (grown as Float64Array).set(array as Float64Array);
    array = grown;
  };
  if (node.kind === "blocked") {
    const loading = readAhead(
      blockWindows(archive, node, options),
      async ({ blocks: { bounds, before }, first, last }, signal) => {
        const span = { start: bounds[first]!, end: bounds[last]! };
        const [bytes] = await archive.read([span], { ...options, signal });
        return [{ bytes: bytes!, start: before[first]!, end: before[last]! }];
      },
      options?.signal,
    );
    for await (const { bytes, start, end } of loading) {
      growTo(end);
      readNumbers(bytes, archive.header.protocol, end - start, type, array, start);
    }
  } else {
    let index = 0;
    for await (const item of items(options?.signal)) {
      growTo(index + 1);
      setNumber(array, type, index++, item);
    }
  }
  return array.length === length ? array : (array.slice(0, length) as NumberArrayOf<T>);
}
