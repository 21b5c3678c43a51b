import { isPeekpackError, PeekpackError } from "../errors.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveCore } from "./archive-core.js";
import type { Present } from "./children.js";
import { LazyList } from "./lazy-list.js";
import { LazyMap } from "./lazy-map.js";
import { follow, isRecord, lookUp, rootOf } from "./location.js";
import { materialize } from "./materialize.js";
import type { PathSegment } from "./path.js";
import { show } from "./steps.js";

/** What can have entries: a handle, or a value. */
type Container = LazyMap | LazyList | Map<Value, Value> | Value[] | { [key: string]: Value };

/** What the entries of a container are, as {@link present} gives them. */
type Entry = [Value, LazyMap | LazyList | Value];

/** The public value of a location: a handle for a container that has entries of its own in the table, else the value itself. */
export const present: Present = async (at, options) => {
  if (at.kind === "plain") return at.value;
  if (at.kind === "many")
    return Promise.all(at.items.map((item) => present(item, options))) as Promise<Value>;
  const { core, node } = at;
  switch (node.kind) {
    case "value":
      return core.value(node.span, options);
    case "archive":
      return present(rootOf(await core.child(node.offset, options)), options);
    case "map":
      return new LazyMap(core, node, present);
    case "list":
      return new LazyList(core, { ...node, kind: "list" }, present);
    case "blocked":
      return new LazyList(core, node, present);
  }
};

/** Everything at each of many paths, as plain data. */
export function valuesAt(
  core: ArchiveCore,
  paths: readonly (readonly PathSegment[])[],
  options?: ReadOptions,
): Promise<Value[]> {
  return Promise.all(paths.map((path) => lookUp(core, path, options, (at) => materialize(at, options))));
}

/** Whether something lies at a path. */
export async function hasAt(
  core: ArchiveCore,
  segments: readonly PathSegment[],
  options?: ReadOptions,
): Promise<boolean> {
  try {
    await follow(rootOf(core), segments, core, options);
    return true;
  } catch (error) {
    if (isPeekpackError(error) && (error.code === "not-found" || error.code === "bad-path")) return false;
    throw error;
  }
}

/** The keys of the map at a path, or the indices of the list. */
export async function* keysAt(
  core: ArchiveCore,
  segments: readonly PathSegment[],
  options?: ReadOptions,
): AsyncGenerator<Value> {
  const container = await containerAt(core, segments, options);
  if (container instanceof LazyMap || container instanceof Map) yield* container.keys();
  else if (isList(container)) for (let i = 0; i < container.length; i++) yield i;
  else yield* Object.keys(container);
}

/** Keys or indices and values of the container at a path. */
export async function* entriesAt(
  core: ArchiveCore,
  segments: readonly PathSegment[],
  options?: ReadOptions,
): AsyncGenerator<Entry> {
  const container = await containerAt(core, segments, options);
  if (container instanceof LazyMap || container instanceof LazyList) {
    yield* container.entries(options) as AsyncIterable<Entry>;
  } else {
    yield* container instanceof Map || Array.isArray(container)
      ? container.entries()
      : Object.entries(container);
  }
}

/** How many entries or items the container at a path has. */
export async function sizeAt(
  core: ArchiveCore,
  segments: readonly PathSegment[],
  options?: ReadOptions,
): Promise<number> {
  const container = await containerAt(core, segments, options);
  if (container instanceof LazyMap || container instanceof Map) return container.size;
  return isList(container) ? container.length : Object.keys(container).length;
}

function containerAt(
  core: ArchiveCore,
  path: readonly PathSegment[],
  options?: ReadOptions,
): Promise<Container> {
  return lookUp(core, path, options, async (at) => {
    const value = await present(at, options);
    if (value instanceof LazyMap || value instanceof Map || isList(value)) return value;
    if (!(value instanceof LazyList) && isRecord(value)) return value;
    throw new PeekpackError("bad-path", `${show(path)}: this is neither a map nor a list.`, { path });
  });
}

function isList(value: LazyMap | LazyList | Value): value is LazyList | Value[] {
  return value instanceof LazyList || Array.isArray(value);
}
