import { type Archive, LazyList, LazyMap, type PathKey, type Value } from "@peekpack/core";
import { loadOutline, type Outline, type OutlineEntry, outlineEntries } from "@peekpack/core/inspect";
import { TimeSlice } from "@peekpack/core/internal";
import { isPlainMap } from "../archive/entry.js";
import { isPathKey, keyText } from "../archive/segments.js";
import { count, size } from "../ui/format.js";

/** What a search has looked at so far. */
export interface Searched {
  /** Keys of the table. */
  keys: number;
  /** Values that were read. */
  values: number;
  /** Values that were not read: keys in them were not searched. */
  unread: number;
}

/** An entry whose key, or whose value, contains the text. */
export interface KeyMatch {
  readonly path: readonly PathKey[];
  /** Undefined if it was not read. */
  readonly value: Value;
  /** What the table says of it, if it was not read. */
  readonly note: string | undefined;
}

export interface KeySearchOptions {
  readonly signal: AbortSignal;
  /** Whether values are read and searched too. */
  readonly inValues: boolean;
  readonly searched: Searched;
}

/** Values that are read at once. */
const GROUP_COUNT = 256;
const GROUP_BYTES = 1024 * 1024;
/** Items of a list of blocks that are read at once. */
const WINDOW = 4096;

/** A container that is being walked. */
interface Frame {
  readonly of: LazyMap | LazyList;
  readonly path: readonly PathKey[];
  readonly batches: AsyncIterator<OutlineEntry[]>;
  batch: readonly OutlineEntry[];
  next: number;
}

/** An entry of the table whose value is to be read. */
interface Unread {
  readonly of: LazyMap | LazyList;
  readonly path: readonly PathKey[];
}

/**
 * Every entry of the table whose key contains a text, in any case, in the archive's order, as they are found. Pages of a paged
 * table are fetched as the walk goes. With `inValues`, values are read too: keys in them, and what they hold.
 */
export async function* keyMatches(
  archive: Archive,
  text: string,
  { signal, inValues, searched }: KeySearchOptions,
): AsyncGenerator<KeyMatch> {
  const wanted = text.toLowerCase();
  const root = await archive.get([], { signal });
  if (!(root instanceof LazyMap || root instanceof LazyList)) {
    if (inValues) yield* within(root as Value, [], wanted);
    return;
  }
  const stack: Frame[] = [];
  let group: Unread[] = [];
  let groupBytes = 0;
  const slice = new TimeSlice();

  async function* flush(): AsyncGenerator<KeyMatch> {
    const read = group;
    group = [];
    groupBytes = 0;
    const values = await Promise.all(
      read.map(async ({ of, path }) => plain(await inner(of, path.at(-1)!, signal), signal)),
    );
    for (const [i, value] of values.entries()) {
      searched.values++;
      yield* within(value, read[i]!.path, wanted);
    }
  }

  async function* open(of: LazyMap | LazyList, path: readonly PathKey[]): AsyncGenerator<KeyMatch> {
    if ((await loadOutline(of, { signal })).kind !== "blocked") {
      const batches = outlineEntries(of, undefined, { signal })[Symbol.asyncIterator]();
      stack.push({ of, path, batches, batch: [], next: 0 });
      return;
    }
    const list = of as LazyList;
    if (!inValues) searched.unread += list.length;
    for (let from = 0; inValues && from < list.length; from += WINDOW) {
      const items = (await list.slice(from, Math.min(from + WINDOW, list.length), { signal })) as Value[];
      searched.values += items.length;
      for (const [i, item] of items.entries()) yield* within(item, [...path, from + i], wanted);
      signal.throwIfAborted();
    }
  }

  yield* open(root, []);
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    if (frame.next === frame.batch.length) {
      const { value, done } = await frame.batches.next();
      if (done) {
        stack.pop();
        continue;
      }
      frame.batch = value;
      frame.next = 0;
    }
    await slice.next(signal);
    const { of, path, batch } = frame;
    for (; frame.next < batch.length; ) {
      const { key, outline } = batch[frame.next++]!;
      const inMap = of instanceof LazyMap;
      if (inMap) searched.keys++;
      // A key that no path can name cannot be read alone either.
      if (!isPathKey(key)) {
        searched.unread++;
        continue;
      }
      if (inMap && keyText(key).toLowerCase().includes(wanted)) {
        yield { path: [...path, key], value: undefined, note: noteOf(outline) };
      }
      if (outline.kind === "value") {
        if (!inValues) searched.unread++;
        else {
          group.push({ of, path: [...path, key] });
          groupBytes += outline.range === undefined ? 0 : outline.range.end - outline.range.start;
          if (group.length >= GROUP_COUNT || groupBytes >= GROUP_BYTES) yield* flush();
        }
        continue;
      }
      const child = await inner(of, key, signal);
      if (child instanceof LazyMap || child instanceof LazyList) {
        yield* open(child, [...path, key]);
        break;
      }
      // A child archive of one value.
      if (inValues) yield* within(child as Value, [...path, key], wanted);
    }
    if (stack.at(-1) === frame && frame.next === batch.length) yield* flush();
  }
  yield* flush();
}

function inner(
  of: LazyMap | LazyList,
  key: PathKey,
  signal: AbortSignal,
): Promise<LazyMap | LazyList | Value> {
  return of instanceof LazyMap ? of.get(key, { signal }) : of.at(key as number, { signal });
}

async function plain(value: LazyMap | LazyList | Value, signal: AbortSignal): Promise<Value> {
  return value instanceof LazyMap || value instanceof LazyList
    ? ((await value.toValue({ signal })) as Value)
    : value;
}

/** Matches inside a value that was read, and the value itself. */
function* within(value: Value, path: readonly PathKey[], wanted: string): Generator<KeyMatch> {
  if (holds(value, wanted)) yield { path, value, note: undefined };
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* within(item, [...path, i], wanted);
    return;
  }
  const entries = value instanceof Map ? value : isPlainMap(value) ? Object.entries(value) : [];
  for (const [key, item] of entries) {
    if (!isPathKey(key)) continue;
    const isFound = keyText(key).toLowerCase().includes(wanted);
    if (isFound) yield { path: [...path, key], value: item, note: undefined };
    if (!isFound || !holds(item, wanted)) yield* within(item, [...path, key], wanted);
  }
}

/** Whether a text contains what is wanted, or another scalar is it. */
function holds(value: Value, wanted: string): boolean {
  if (typeof value === "string") return value.toLowerCase().includes(wanted);
  return (typeof value === "number" || typeof value === "bigint") && String(value) === wanted;
}

function noteOf({ kind, count: entries, range }: Outline): string {
  if (kind === "map") return `{${count(entries ?? 0)}}`;
  if (kind === "list" || kind === "blocked") return `[${count(entries ?? 0)}]`;
  return range === undefined ? "" : size(range.end - range.start);
}
