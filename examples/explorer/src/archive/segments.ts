import type { PathKey, Value } from "@peekpack/core";

/**
 * A key as text. A text is unchanged; other keys are 42, true, null, h'00ff'. Two keys of one map may have the same text
 * ("1" and 1).
 */
export function keyText(key: Value): string {
  if (typeof key === "string") return key;
  if (key instanceof Uint8Array) return `h'${hex(key)}'`;
  if (key instanceof Date) return Number.isNaN(key.getTime()) ? "an invalid date" : key.toISOString();
  if (Array.isArray(key)) return `[${key.map(keyText).join(", ")}]`;
  return String(key);
}

/** The keys that a text may name in a map, the most likely first. */
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

/** A path as one line: keys joined by "/". Ambiguous keys are quoted. */
export function pathText(keys: readonly Value[]): string {
  return keys.map((key) => quoted(keyText(key))).join("/");
}

/** A segment of a path, in double quotes if it is ambiguous. */
export function quoted(segment: string): string {
  return segment === "" || segment === "*" || /^"|[/\s\p{Cc}]/u.test(segment)
    ? JSON.stringify(segment)
    : segment;
}

/** A typed segment. `exact`: it was quoted, and is a key whatever it looks like. */
export interface TypedSegment {
  readonly text: string;
  readonly exact: boolean;
}

/** Splits a typed path at "/", except in quotes. An open quote extends to the end. */
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

/** Whether a typed path is a pattern, which may match many values. */
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
