import { LazyList, LazyMap, type ReadOptions, type Value } from "@peekpack/core";
import { outlineOf } from "@peekpack/core/inspect";
import { readAhead } from "@peekpack/core/internal";

/** Longer lists are read in pieces of about this size, in bytes. One is decoded in a few milliseconds. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** Pieces that are prefetched while another one is decoded. */
const PREFETCHED = 3;

/**
 * Everything in a container, as plain data. A long list is read in pieces, between which the page stays responsive. Other
 * values are returned as they are.
 * @throws the signal's reason
 */
export async function wholeValue(value: LazyMap | LazyList | Value, options: ReadOptions): Promise<Value> {
  if (value instanceof LazyMap) return value.toValue(options);
  if (!(value instanceof LazyList)) return value;
  const { kind, range } = outlineOf(value);
  const { start, end } = range ?? { start: 0, end: 0 };
  // Core decodes the items of blocks in slices itself.
  if (kind === "blocked" || end - start <= PIECE_BYTES) return value.toValue(options);
  const count = Math.max(1, Math.floor((PIECE_BYTES * value.length) / (end - start)));
  const items: Value[] = [];
  const pieces = readAhead(
    firstOf(value, count),
    async (first, signal) => {
      const handles = await value.slice(first, first + count, { ...options, signal });
      return [await Promise.all(handles.map((handle) => wholeValue(handle, { ...options, signal })))];
    },
    options.signal,
    PREFETCHED,
  );
  for await (const piece of pieces) for (const item of piece) items.push(item);
  return items;
}

/** The first index of each piece of `count` items. */
function* firstOf({ length }: LazyList, count: number): Generator<number> {
  for (let first = 0; first < length; first += count) yield first;
}
