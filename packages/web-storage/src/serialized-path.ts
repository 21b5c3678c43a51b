import { ANY, type Path, type PathKey, type PathSegment, type Pattern, Slice } from "@peekpack/core";

/** A path or pattern that can be posted to a worker. The structured clone drops the classes of slices and of `ANY`. */
export type SerializedPath = string | undefined | readonly SerializedSegment[];

type SerializedSegment =
  | { readonly key: PathKey }
  | { readonly slice: readonly [number | undefined, number | undefined, number | undefined] }
  | { readonly any: true };

/** @throws TypeError if `path` is neither a string nor an array */
export function serializePath(path: Path | Pattern | undefined): SerializedPath {
  if (typeof path === "string" || path === undefined) return path;
  if (!Array.isArray(path))
    throw new TypeError("A path is a string or an array of keys, indices and slices.");
  return path.map((segment: PathSegment | typeof ANY): SerializedSegment => {
    if (segment === ANY) return { any: true };
    if (segment instanceof Slice) return { slice: [segment.start, segment.stop, segment.step] };
    return { key: segment as PathKey };
  });
}

export function deserializePattern(path: SerializedPath): Pattern {
  if (typeof path === "string" || path === undefined) return path ?? [];
  return path.map((segment) => {
    if ("any" in segment) return ANY;
    return "slice" in segment ? new Slice(...segment.slice) : segment.key;
  });
}

export function deserializePath(path: SerializedPath): Path {
  return deserializePattern(path) as Path;
}
