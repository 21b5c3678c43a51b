import { UsageError } from "./arguments.js";

/** An archive that is to become part of another, as an argument names it. */
export interface ChildPlace {
  /** Its key; absent in a list. */
  readonly name?: string;
  readonly archive: string;
}

/**
 * The children that arguments `NAME=ARCHIVE` or `ARCHIVE` name. What begins with a scheme or a folder has no name: a file
 * whose own name has an `=` can be given all the same.
 * @throws UsageError when some have names and some have none
 */
export function childPlaces(texts: readonly string[]): ChildPlace[] {
  const children = texts.map((text): ChildPlace => {
    const equals = /^([a-z][a-z0-9+.-]+:\/\/|\.{0,2}\/)/i.test(text) ? -1 : text.indexOf("=");
    return equals < 0 ? { archive: text } : { name: text.slice(0, equals), archive: text.slice(equals + 1) };
  });
  if (new Set(children.map(({ name }) => name === undefined)).size > 1) {
    throw new UsageError("either all archives have names, as in NAME=ARCHIVE, or none");
  }
  return children;
}
