import { PeekpackError } from "../errors.js";
import { TimeSlice } from "../event-loop.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveReader } from "./archive-reader.js";
import { type KeysOptions, keyRange } from "./entries.js";
import { handleOf, type Lazy, LazyList, LazyMap } from "./handles.js";
import { isRecord, lookUp, showPath } from "./lookup.js";
import type { PathSegment } from "./path.js";

/** After so many keys other work may run. */
const STEP = 1024;

/** What can have entries: a handle, or a value. */
type Container = LazyMap | LazyList | Map<Value, Value> | Value[] | { [key: string]: Value };

/** The keys of the map at a path, or the indices of the list. */
export async function* keysAt(
  archive: ArchiveReader,
  path: readonly PathSegment[],
  options?: KeysOptions,
): AsyncGenerator<Value> {
  const container = await containerAt(archive, path, options);
  if (container instanceof LazyMap) {
    yield* container.keys(options);
    return;
  }
  const list = isList(container);
  const keys = list ? container : container instanceof Map ? [...container.keys()] : Object.keys(container);
  const { start, end } = keyRange(options);
  const last = Math.min(end, keys.length);
  const slice = new TimeSlice();
  for (let index = start; index < last; index++) {
    yield list ? index : (keys as Value[])[index];
    if (index % STEP === 0) await slice.next(options?.signal);
  }
}

/** Keys or indices, and values, of the container at a path. */
export async function* entriesAt(
  archive: ArchiveReader,
  path: readonly PathSegment[],
  options?: ReadOptions,
): AsyncGenerator<[Value, Lazy]> {
  const container = await containerAt(archive, path, options);
  if (container instanceof LazyMap || container instanceof LazyList) {
    yield* container.entries(options) as AsyncIterable<[Value, Lazy]>;
  } else {
    yield* container instanceof Map || Array.isArray(container)
      ? container.entries()
      : Object.entries(container);
  }
}

/** How many entries or items the container at a path has. */
export async function sizeAt(
  archive: ArchiveReader,
  path: readonly PathSegment[],
  options?: ReadOptions,
): Promise<number> {
  const container = await containerAt(archive, path, options);
  if (container instanceof LazyMap || container instanceof Map) return container.size;
  return isList(container) ? container.length : Object.keys(container).length;
}

function containerAt(
  archive: ArchiveReader,
  path: readonly PathSegment[],
  options?: ReadOptions,
): Promise<Container> {
  return lookUp(archive, path, options, async (at) => {
    if (at.kind === "node" && at.node.kind === "map") await at.archive.table.learn(at.node, options);
    const value = await handleOf(at, archive.budget(), options);
    if (value instanceof LazyMap || value instanceof Map || isList(value) || isRecord(value)) {
      return value as Container;
    }
    throw new PeekpackError("bad-path", `${showPath(path)}: this is neither a map nor a list.`, { path });
  });
}

function isList(value: Lazy | Container): value is LazyList | Value[] {
  return value instanceof LazyList || Array.isArray(value);
}
