import type { Value } from "../values.js";
import { type PathKey, type PathSegment, parsePath } from "./path.js";

/** In an array pattern: every key of a map, every index of a list. In a text pattern it is written `*`. */
export const ANY: unique symbol = Symbol("peekpack.any");

/** A path in which `*` (text) or {@link ANY} (array) stands for every key or index of one level. */
export type Pattern = string | readonly (PathSegment | typeof ANY)[];

/** What a pattern has found. */
export interface Selected<T = Value> {
  /** Keys and indices from the root to the value: a path. */
  readonly path: PathKey[];
  readonly value: T;
}

/** A pattern's segments. @throws TypeError if the text is not a pattern */
export function parsePattern(pattern: Pattern): PatternSegments {
  if (typeof pattern === "string") {
    return parsePath(pattern).map((segment) => (segment === "*" ? ANY : segment));
  }
  if (!Array.isArray(pattern)) throw new TypeError("A pattern is a string or an array.");
  return [...pattern];
}

/** A pattern, parsed. */
export type PatternSegments = readonly (PathSegment | typeof ANY)[];
