import { type PathKey, pointer, toPointer, type Value } from "@peekpack/core";
import { fromTagged, toTagged } from "@peekpack/core/tagged";

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

/**
 * A path as text that core's `read`, the command and this page take: keys joined by "/" as core splits them; where that does
 * not name the keys, a JSON Pointer (`pointer(text)`, `--pointer`); where there are keys that are not text, a list in JSON
 * (`--path-json`).
 * @param isIndex whether the key at an index is an index of a list, and not a number that is a key of a map. Default: a number is
 */
export function pathText(
  keys: readonly Value[],
  isIndex: (at: number) => boolean = (at) => typeof keys[at] === "number",
): string {
  if (!keys.every((key, at) => typeof key === "string" || isIndex(at))) {
    return JSON.stringify(keys.map(toTagged));
  }
  const texts = keys.map(String);
  const isPlain = texts.every((text, at) => isIndex(at) || isPlainSegment(text));
  return isPlain && !/^[$[]/.test(texts[0] ?? "") ? texts.join("/") : toPointer(texts);
}

/** Whether core, the command and this page read a segment as a key that is just this text. */
export function isPlainSegment(text: string): boolean {
  return !(text === "" || text === "*" || isSlice(text) || /^"|^\s|\s$|[/\p{Cc}]/u.test(text));
}

/** The pattern of a column: everything at `column` in every entry of a container. */
export function columnPattern(keys: readonly Value[], column: string): string {
  return [...keys.map((key) => quoted(keyText(key))), "*", quoted(column)].join("/");
}

/** A segment of a pattern, in double quotes if it is ambiguous. */
export function quoted(segment: string): string {
  return isPlainSegment(segment) && !/\s/.test(segment) ? segment : JSON.stringify(segment);
}

/** A typed segment. `exact`: it is a key, whatever it looks like. */
export interface TypedSegment {
  readonly text: string;
  readonly exact: boolean;
  /** The key itself, if it is not a text. */
  readonly key?: { readonly value: PathKey } | undefined;
}

/** Segments of exact keys. */
export function exactSegments(keys: readonly PathKey[]): TypedSegment[] {
  return keys.map((value) => ({
    text: keyText(value),
    exact: true,
    key: typeof value === "string" ? undefined : { value },
  }));
}

/**
 * Splits a typed path: a JSON Pointer if it begins with "/", a list of keys in JSON if it begins with "[", else at "/", except
 * in quotes. An open quote extends to the end.
 */
export function typedSegments(path: string): TypedSegment[] {
  const exact = exactPath(path);
  if (exact !== undefined) return exactSegments(exact);
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
  return typedSegments(typed).some(({ text, exact }) => !exact && (text === "*" || isSlice(text)));
}

function isSlice(text: string): boolean {
  return /^[+-]?\d*:[+-]?\d*(:[+-]?\d*)?$/.test(text);
}

/** The keys of a JSON Pointer, or of a list in JSON. Undefined for any other text. */
function exactPath(text: string): readonly PathKey[] | undefined {
  try {
    if (text.startsWith("/")) return pointer(text);
    if (!text.startsWith("[")) return undefined;
    const keys: unknown = fromTagged(JSON.parse(text), { floats: "number" });
    return Array.isArray(keys) && keys.every(isPathKey) ? keys : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a path can hold a key. */
export function isPathKey(key: Value): key is PathKey {
  return key === null || key instanceof Uint8Array || /^(string|number|bigint|boolean)$/.test(typeof key);
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
