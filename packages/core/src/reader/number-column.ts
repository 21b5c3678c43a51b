import { PeekpackError } from "../errors.js";
import type { BlockList, Branch } from "../format/table-view.js";
import type { NumberType } from "../number-arrays.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveReader } from "./archive-reader.js";
import { blockWindows, entryWindows } from "./entries.js";
import { type Entry, nodeOf } from "./entry.js";
import { lookUp, showPath } from "./lookup.js";
import { materialize } from "./materialize.js";
import { type NumberArrayOf, numberArray, readNumbers, setNumber } from "./number-array.js";
import type { PathSegment } from "./path.js";
import { readAhead } from "./read-ahead.js";

/** Room that is made before the first byte has arrived, in items. */
const FIRST_ITEMS = 2 ** 20;

/**
 * Reads the numbers of a list into a typed array: straight from their bytes if the list has blocks, else from its items.
 * @throws PeekpackError `unsupported-value` if an item is not a number or does not fit; `limit` for more than `maxItems`
 * @throws TypeError for an unknown type
 */
export async function readColumn<T extends NumberType>(
  archive: ArchiveReader,
  node: Branch | BlockList,
  type: T,
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
    const loading = readAhead(
      entryWindows(archive, node, {}, options),
      (window, signal) => readValues(archive, window, { ...options, signal }),
      options?.signal,
    );
    let index = 0;
    for await (const item of loading) {
      growTo(index + 1);
      setNumber(array, type, index++, item);
    }
  }
  return array.length === length ? array : (array.slice(0, length) as NumberArrayOf<T>);
}

/** The numbers of the list at a path as a typed array. */
export function typedArrayAt<T extends NumberType>(
  archive: ArchiveReader,
  path: readonly PathSegment[],
  type: T,
  options?: ReadOptions,
): Promise<NumberArrayOf<T>> {
  return lookUp(archive, path, options, async (at) => {
    if (at.kind === "node" && (at.node.kind === "list" || at.node.kind === "blocked")) {
      return readColumn(at.archive, at.node, type, options);
    }
    const value = await materialize(at, archive.budget(), options);
    if (!Array.isArray(value)) {
      throw new PeekpackError("bad-path", `${showPath(path)}: this is not a list.`, { path });
    }
    return fromItems(value, type);
  });
}

function fromItems<T extends NumberType>(items: readonly Value[], type: T): NumberArrayOf<T> {
  const array = numberArray(type, items.length);
  for (const [i, item] of items.entries()) setNumber(array, type, i, item);
  return array;
}

/** The items of a window. An item that is no single value is not a number. */
async function readValues(
  archive: ArchiveReader,
  window: readonly Entry[],
  options: ReadOptions,
): Promise<Value[]> {
  const spans = window.map((entry) => {
    const node = nodeOf(entry);
    if (node.kind !== "value") {
      throw new PeekpackError("unsupported-value", `Item ${entry.index} is not a number.`, {
        section: "data",
      });
    }
    return node.span;
  });
  const read = await archive.read(spans, options);
  return Promise.all(
    read.map(async (bytes, i) => (await archive.decode(bytes, 1, spans[i]!.start, undefined, options))[0]),
  );
}
