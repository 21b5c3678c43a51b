import { UsageError } from "./arguments.js";
import { expandFiles } from "./input/file-pattern.js";

/** An argument that names a child of a combined archive. */
export interface ChildArgument {
  /** Its key. Absent in a list. */
  readonly name?: string;
  readonly archive: string;
}

/**
 * Parses arguments of the form `NAME=ARCHIVE` or `ARCHIVE`. A text that begins with a scheme or a folder has no name, so
 * that a file whose own name contains `=` can be given.
 * @throws UsageError if some have names and some have not
 */
export function childArguments(texts: readonly string[]): ChildArgument[] {
  const children = texts.map((text): ChildArgument => {
    const equals = /^([a-z][a-z0-9+.-]+:\/\/|\.{0,2}\/)/i.test(text) ? -1 : text.indexOf("=");
    return equals < 0 ? { archive: text } : { name: text.slice(0, equals), archive: text.slice(equals + 1) };
  });
  if (new Set(children.map(({ name }) => name === undefined)).size > 1) {
    throw new UsageError("either all archives have names, as in NAME=ARCHIVE, or none");
  }
  return children;
}

/** As {@link childArguments}, with patterns of files in place of archives without names. */
export async function expandedChildren(texts: readonly string[]): Promise<ChildArgument[]> {
  const children = childArguments(texts);
  if (children.some(({ name }) => name !== undefined)) return children;
  return (await expandFiles(children.map(({ archive }) => archive))).map((archive) => ({ archive }));
}
