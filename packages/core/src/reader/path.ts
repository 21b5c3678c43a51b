/** Paths: text split on "/", or exact keys, indices and slices. */

/** An exact key of a map or index of a list. On a list, text is read as an index or as `start:step:stop`. */
export type PathKey = string | number | bigint | boolean | null | Uint8Array;

/** One step of a path. */
export type PathSegment = PathKey | Slice;

/**
 * Where a value lies below the root: `"entries/0/name"` (split on "/", empty segments dropped, no escape), or an
 * array of exact keys, indices and slices: `["a/b", 0, slice(-3)]`.
 */
export type Path = string | readonly PathSegment[];

/** Some items of a list with the meaning of Python's `slice`: negative bounds count from the end, bounds are clipped. */
export class Slice {
  readonly start: number | undefined;
  readonly stop: number | undefined;
  readonly step: number | undefined;

  /** @throws TypeError where a bound is no integer */
  constructor(start?: number | null, stop?: number | null, step?: number | null) {
    this.start = bound(start);
    this.stop = bound(stop);
    this.step = bound(step);
  }
}

/**
 * A slice as a segment of an array path: `slice(2, 5)`, `slice(-3)` (the last three), `slice(null, null, -1)`.
 *
 * @throws TypeError where a bound is no integer
 */
export function slice(start?: number | null, stop?: number | null, step?: number | null): Slice {
  return new Slice(start, stop, step);
}

/**
 * The segments of a path, the caller's array copied.
 *
 * @throws TypeError for anything that is no path
 */
export function parsePath(path: Path | undefined): readonly PathSegment[] {
  if (path === undefined) return [];
  if (typeof path === "string") return path.split("/").filter((segment) => segment !== "");
  if (!Array.isArray(path)) throw new TypeError("a path is a string or an array of keys, indices and slices");
  return path.map((segment: unknown) => {
    if (isSegment(segment)) return segment;
    throw new TypeError(`a path cannot hold ${typeof segment}`);
  });
}

function isSegment(value: unknown): value is PathSegment {
  return (
    value === null ||
    value instanceof Uint8Array ||
    value instanceof Slice ||
    /^(string|number|bigint|boolean)$/.test(typeof value)
  );
}

function bound(value: number | null | undefined): number | undefined {
  if (value == null) return undefined;
  if (!Number.isInteger(value)) throw new TypeError("the bounds of a slice are integers");
  return value;
}
