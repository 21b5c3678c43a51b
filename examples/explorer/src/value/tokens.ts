import { Ext, LazyList, LazyMap, NdArray, Simple, Tagged, Timestamp, type Value } from "@peekpack/core";
import { isPlainMap } from "../archive/entry.js";
import { hex, keyText } from "../archive/segments.js";
import { count } from "../ui/format.js";

/** A piece of shown text, coloured by what it is. */
export interface Token {
  readonly kind: "key" | "string" | "number" | "constant" | "bytes" | "date" | "type" | "mark" | "faint";
  readonly text: string;
}

export const token = (kind: Token["kind"], text: string): Token => ({ kind, text });

/** So many characters of one text, and bytes of one byte string, stand in a line. */
const LONGEST_TEXT = 2000;
const LONGEST_BYTES = 32;

/** The tokens of a value that has nothing below it; undefined for containers. */
export function scalarTokens(value: Value | LazyMap | LazyList, longest = LONGEST_TEXT): Token[] | undefined {
  switch (typeof value) {
    case "string":
      return textTokens(value, longest);
    case "number":
      return [token("number", Object.is(value, -0) ? "-0" : String(value))];
    case "bigint":
      return [token("number", String(value)), token("faint", "n")];
    case "boolean":
    case "undefined":
      return [token("constant", String(value))];
  }
  if (value === null) return [token("constant", "null")];
  if (value instanceof Uint8Array) return bytesTokens(value);
  if (value instanceof Date) {
    return [token("date", Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString())];
  }
  if (value instanceof Timestamp) {
    const date = value.toDate();
    const start = Number.isNaN(date.getTime()) ? `${value.seconds} s` : date.toISOString().slice(0, 19);
    return [token("date", `${start}.${String(value.nanoseconds).padStart(9, "0")}Z`)];
  }
  if (value instanceof Ext) return [token("type", `Ext ${value.type} `), ...bytesTokens(value.data)];
  if (value instanceof Simple) return [token("type", `Simple ${value.value}`)];
  if (value instanceof Tagged) {
    const inner = scalarTokens(value.value, longest);
    return inner && [token("type", `Tag ${value.tag} `), token("mark", "("), ...inner, token("mark", ")")];
  }
  if (value instanceof NdArray && value.shape.length === 0) {
    return [token("number", String(value.data[0])), token("faint", ` ${value.dtype}`)];
  }
  return undefined;
}

function textTokens(text: string, longest: number): Token[] {
  if (text.length <= longest) return [token("string", JSON.stringify(text))];
  return [
    token("string", JSON.stringify(text.slice(0, longest)).slice(0, -1)),
    token("faint", `… ${count(text.length)} characters`),
  ];
}

function bytesTokens(bytes: Uint8Array): Token[] {
  const shown = hex(bytes.subarray(0, LONGEST_BYTES));
  const more = bytes.length > LONGEST_BYTES ? "…" : "";
  return [token("bytes", `h'${shown}${more}'`), token("faint", ` ${count(bytes.length)} bytes`)];
}

/** How many entries a container has, as it is written behind its key: {3}, [10 000], float64 [100 × 3]. */
export function shapeTokens(value: Value | LazyMap | LazyList): Token[] {
  if (value instanceof LazyMap || value instanceof Map) return [token("mark", `{${count(value.size)}}`)];
  if (Array.isArray(value)) return [token("mark", `[${dimensions(value).map(count).join(" × ")}]`)];
  if (value instanceof LazyList) return [token("mark", `[${count(value.length)}]`)];
  if (value instanceof NdArray) {
    return [token("type", `${value.dtype} `), token("mark", `[${value.shape.map(count).join(" × ")}]`)];
  }
  if (value instanceof Set) return [token("type", "Set "), token("mark", `{${count(value.size)}}`)];
  if (value instanceof Tagged) return [token("type", `Tag ${value.tag} `), ...shapeTokens(value.value)];
  if (isPlainMap(value)) return [token("mark", `{${count(Object.keys(value).length)}}`)];
  return [];
}

/** How long a list is, and how long those in it are, as far as they are equally long. */
function dimensions(list: readonly Value[]): number[] {
  const width = Array.isArray(list[0]) ? list[0].length : -1;
  const regular = width > 0 && list.every((row) => Array.isArray(row) && row.length === width);
  return regular ? [list.length, ...dimensions(list[0] as Value[])] : [list.length];
}

/** A number as tables show it: with nine digits. */
export function rounded(value: number): string {
  return Number.isInteger(value) || !Number.isFinite(value)
    ? String(value)
    : String(Number(value.toPrecision(9)));
}

/** A value on one short line: a scalar itself, of a container its shape and how it begins. */
export function preview(value: Value | LazyMap | LazyList, room = 96): Token[] {
  const scalar = scalarTokens(value, room);
  if (scalar !== undefined) return scalar;
  const tokens = shapeTokens(value);
  if (value instanceof LazyMap || value instanceof LazyList || value instanceof NdArray) return tokens;
  // Of rows and columns the shape says more than the first rows.
  if (Array.isArray(value) && dimensions(value).length > 1) return tokens;
  let left = room;
  for (const [i, [key, inner]] of firstEntries(value).entries()) {
    const named = key === undefined ? [] : [token("key", keyText(key) || '""'), token("mark", ": ")];
    const next = [
      token("mark", i === 0 ? " " : ", "),
      ...named,
      ...(scalarTokens(inner, 24) ?? shapeTokens(inner)),
    ];
    left -= textOf(next).length;
    if (left < 0) {
      tokens.push(token("faint", i === 0 ? " …" : ", …"));
      break;
    }
    tokens.push(...next);
  }
  return tokens;
}

function firstEntries(value: Value): [Value | undefined, Value][] {
  if (Array.isArray(value)) return value.slice(0, 12).map((item) => [undefined, item]);
  if (value instanceof Map) return [...value].slice(0, 12);
  if (value instanceof Set) return [...value].slice(0, 12).map((item) => [undefined, item]);
  return isPlainMap(value) ? Object.entries(value).slice(0, 12) : [];
}

/** The tokens' text. */
export function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join("");
}

/** Elements for tokens. */
export function tokenNodes(tokens: readonly Token[]): HTMLElement[] {
  return tokens.map(({ kind, text }) => {
    const span = document.createElement("span");
    span.className = `t-${kind}`;
    span.textContent = text;
    return span;
  });
}
