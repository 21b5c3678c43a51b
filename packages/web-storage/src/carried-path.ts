import { ANY, type Path, type PathKey, type PathSegment, type Pattern, Slice } from "@peekpack/core";

/** A path or pattern as it can be posted: slices and `ANY` are no data. */
export type CarriedPath = string | undefined | readonly CarriedSegment[];

type CarriedSegment =
  | { readonly key: PathKey }
  | { readonly slice: readonly [number | undefined, number | undefined, number | undefined] }
  | { readonly any: true };

/** Makes a path or a pattern ready to be posted. */
export function carryPath(path: Path | Pattern | undefined): CarriedPath {
  if (typeof path === "string" || path === undefined) return path;
  if (!Array.isArray(path))
    throw new TypeError("A path is a string or an array of keys, indices and slices.");
  return path.map((segment: PathSegment | typeof ANY): CarriedSegment => {
    if (segment === ANY) return { any: true };
    if (segment instanceof Slice) return { slice: [segment.start, segment.stop, segment.step] };
    return { key: segment as PathKey };
  });
}

/** The pattern that was posted. */
export function openPattern(path: CarriedPath): Pattern {
  if (typeof path === "string" || path === undefined) return path ?? [];
  return path.map((segment) => {
    if ("any" in segment) return ANY;
    return "slice" in segment ? new Slice(...segment.slice) : segment.key;
  });
}

/** The path that was posted. */
export function openPath(path: CarriedPath): Path {
  return openPattern(path) as Path;
}
