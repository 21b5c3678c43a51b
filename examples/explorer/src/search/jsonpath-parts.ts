import type { TypedSegment } from "../archive/segments.js";

/** What has been typed of a JSONPath query: the finished segments, and the name that is being typed. */
export interface JsonPathParts {
  /** The text before the name. */
  readonly above: string;
  /** What the table is followed by. Undefined if no name is being typed, or if the table cannot be followed to it. */
  readonly segments: readonly TypedSegment[] | undefined;
  readonly typed: string;
  /** Whether the name follows "..", so that it may be of anything below. */
  readonly descends: boolean;
  /** Whether the name is inside a filter. */
  readonly filters: boolean;
}

const EVERY: TypedSegment = { text: "*", exact: false };
/** The path at the end of a filter, in which no blank and no operator can be part of a name. */
const FILTER_PATH =
  /([@$])((?:\.{1,2}[^\s.[\]()!=<>&|,'"@$?]*|\[(?:'(?:[^'\\]|\\.)*'|-?\d+|\*)\])*(?:\['(?:[^'\\]|\\.)*)?)$/s;
/** The name at the end of a path that is being typed. */
const NAME = /(?:(\.{1,2})([^.[\]]*)|\['((?:[^'\\]|\\.)*))$/s;

/** Names, indices, slices, wildcards and filters can be followed in the table: of many entries, the first is followed. */
export function jsonPathParts(text: string): JsonPathParts {
  const filter = openFilter(text);
  const path = filter === undefined ? text.slice(1) : (FILTER_PATH.exec(text)?.[2] ?? "");
  const name = NAME.exec(path);
  // A name may follow "$" at once.
  const isOpen = name !== null || text === "$";
  const above = text.slice(0, text.length - (name?.[0].length ?? 0));
  return {
    above,
    segments: isOpen ? segmentsOf(above) : undefined,
    typed: name?.[2] ?? name?.[3]?.replace(/\\(.)/g, "$1") ?? "",
    descends: name?.[1] === "..",
    filters: filter !== undefined,
  };
}

/** The segments from the root to what the path at the end of a text selects. */
function segmentsOf(text: string): TypedSegment[] | undefined {
  const filter = openFilter(text);
  if (filter === undefined) return follow(text.slice(1), []);
  const match = FILTER_PATH.exec(text);
  if (match === null) return undefined;
  const [, start, path] = match;
  if (start === "$") return follow(path!, []);
  const tested = segmentsOf(text.slice(0, filter));
  return tested && follow(path!, [...tested, EVERY]);
}

function follow(path: string, from: readonly TypedSegment[]): TypedSegment[] | undefined {
  const segments = [...from];
  const part =
    /\.\*|\[(?:\*|-?\d*:-?\d*(?::-?\d*)?)\]|\.([^.[\]*'"?]+)|\['((?:[^'\\]|\\.)*)'\]|\[(-?\d+)\]/sy;
  for (let at = 0; at < path.length; ) {
    if (path.startsWith("[?", at)) {
      at = endOfBracket(path, at);
      segments.push(EVERY);
      continue;
    }
    part.lastIndex = at;
    const match = part.exec(path);
    if (match === null) return undefined;
    const [, member, name, index] = match;
    const text = member ?? name?.replace(/\\(.)/g, "$1") ?? index;
    segments.push(text === undefined ? EVERY : { text, exact: true });
    at = part.lastIndex;
  }
  return segments;
}

/** Where the innermost filter begins that is not closed. */
function openFilter(text: string): number | undefined {
  const open: number[] = [];
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === "[") open.push(index);
    else if (token === "]") open.pop();
  }
  return open.findLast((at) => text[at + 1] === "?");
}

/** The offset after the bracket that closes the one at an offset. */
function endOfBracket(text: string, from: number): number {
  let depth = 0;
  for (const { 0: token, index } of text.slice(from).matchAll(TOKEN)) {
    if (token === "[") depth++;
    else if (token === "]" && --depth === 0) return from + index + 1;
  }
  return text.length;
}

/** Brackets, and strings. A bracket inside a string does not count. The last string may be open. */
const TOKEN = /[[\]]|'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?/gs;
