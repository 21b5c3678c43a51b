import type { RangeSource } from "@peekpack/core";
import { UsageError } from "./arguments.js";
import { hasScheme, type Places } from "./place.js";

/** An archive that is to become part of another. */
export interface Child {
  /** Its key; absent in a list. */
  readonly name?: string;
  readonly source: RangeSource;
}

/**
 * The children that arguments `NAME=ARCHIVE` or `ARCHIVE` name. What begins with a scheme or a folder has no name: a file
 * whose own name has an `=` can be given all the same.
 * @throws UsageError when some have names and some have none
 */
export function openChildren(texts: readonly string[], places: Places): Child[] {
  const children = texts.map((text): Child => {
    const equals = hasScheme(text) || /^\.{0,2}\//.test(text) ? -1 : text.indexOf("=");
    return equals < 0
      ? { source: places.source(text) }
      : { name: text.slice(0, equals), source: places.source(text.slice(equals + 1)) };
  });
  if (new Set(children.map(({ name }) => name === undefined)).size > 1) {
    throw new UsageError("either all archives have names, as in NAME=ARCHIVE, or none");
  }
  return children;
}
