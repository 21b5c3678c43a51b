import type { PathKey, Value } from "@peekpack/core";

/**
 * A key as text: texts as they are, other keys as they are shown (42, true, null, h'00ff'). Two keys of one map may read the
 * same ("1" and 1); then the text comes first.
 */
export function keyText(key: Value): string {
  if (typeof key === "string") return key;
  if (key instanceof Uint8Array) return `h'${hex(key)}'`;
  if (key instanceof Date) return Number.isNaN(key.getTime()) ? "an invalid date" : key.toISOString();
  if (Array.isArray(key)) return `[${key.map(keyText).join(", ")}]`;
  return String(key);
}

/** The keys that a text may stand for in a map, the likeliest first. */
export function keysFor(text: string): PathKey[] {
  const keys: PathKey[] = [text];
  const bytes = /^h'((?:[0-9a-f]{2})*)'$/.exec(text);
  if (bytes !== null) {
    keys.push(Uint8Array.from(bytes[1]!.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
  } else if (text === "true" || text === "false") keys.push(text === "true");
  else if (text === "null") keys.push(null);
  else if (/^-?\d+$/.test(text)) keys.push(BigInt(text));
  else if (text !== "" && String(Number(text)) === text) keys.push(Number(text));
  return keys;
}

/** Keys from the root as one line: joined by "/", those that hold a "/" or could be misread in double quotes. */
export function pathText(keys: readonly Value[]): string {
  return keys.map((key) => quoted(keyText(key))).join("/");
}

/** A segment as it is written in a path. */
export function quoted(segment: string): string {
  return segment === "" || segment === "*" || /^"|[/\s\p{Cc}]/u.test(segment)
    ? JSON.stringify(segment)
    : segment;
}

/** One segment of what was typed, and whether it stood in quotes: then it is a key, whatever it looks like. */
export interface TypedSegment {
  readonly text: string;
  readonly exact: boolean;
}

/** Splits what was typed at "/", but for quoted segments. An unfinished quote reaches to the end. */
export function typedSegments(path: string): TypedSegment[] {
  const segments: TypedSegment[] = [];
  const part = /"((?:[^"\\]|\\.)*)"?|[^/]+/gsy;
  for (let at = 0; at < path.length; ) {
    if (path[at] === "/") {
      at++;
      continue;
    }
    part.lastIndex = at;
    const match = part.exec(path);
    if (match === null) break;
    const inQuotes = match[1];
    segments.push(
      inQuotes === undefined ? { text: match[0], exact: false } : { text: unescaped(inQuotes), exact: true },
    );
    at = part.lastIndex;
  }
  return segments;
}

/** Whether what was typed is a pattern, which may match many values, and not the path of one. */
export function isPattern(typed: string): boolean {
  return typedSegments(typed).some(
    ({ text, exact }) => !exact && (text === "*" || /^[+-]?\d*:[+-]?\d*(:[+-]?\d*)?$/.test(text)),
  );
}

/** Bytes in hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function unescaped(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
