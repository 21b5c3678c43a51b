import { Ext, LazyList, LazyMap, NdArray, Simple, Tagged, Timestamp, type Value } from "@peekpack/core";
import { isPlainMap } from "../archive/entry.js";
import { hex, keyText } from "../archive/segments.js";
import { count } from "../ui/format.js";
import { beginning, shownKey, visible } from "../ui/shown-text.js";

/** A piece of text, colored by its kind. */
export interface Token {
  readonly kind: "key" | "string" | "number" | "constant" | "bytes" | "date" | "type" | "mark" | "faint";
  readonly text: string;
}

export const token = (kind: Token["kind"], text: string): Token => ({ kind, text });

/** Characters of a text, and bytes of a byte string, that one line shows. */
const MAX_TEXT = 2000;
const MAX_BYTES = 32;

/** The tokens of a scalar. Undefined for a container. */
export function scalarTokens(value: Value | LazyMap | LazyList, longest = MAX_TEXT): Token[] | undefined {
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
  if (NdArray.is(value) && value.shape.length === 0) {
    return [token("number", String(value.data[0])), token("faint", ` ${value.dtype}`)];
  }
  return undefined;
}

function textTokens(text: string, longest: number): Token[] {
  if (text.length <= longest) return [token("string", JSON.stringify(text))];
  return [
    token("string", JSON.stringify(beginning(text, longest)).slice(0, -1)),
    token("faint", `… ${count(text.length)} characters`),
  ];
}

function bytesTokens(bytes: Uint8Array): Token[] {
  const shown = hex(bytes.subarray(0, MAX_BYTES));
  const more = bytes.length > MAX_BYTES ? "…" : "";
  return [token("bytes", `h'${shown}${more}'`), token("faint", ` ${count(bytes.length)} bytes`)];
}

/** The number of entries of a container: {3}, [10 000], float64 [100 × 3]. */
export function shapeTokens(value: Value | LazyMap | LazyList): Token[] {
  if (value instanceof LazyMap || value instanceof Map) return [token("mark", `{${count(value.size)}}`)];
  if (Array.isArray(value)) return [token("mark", `[${dimensions(value).map(count).join(" × ")}]`)];
  if (value instanceof LazyList) return [token("mark", `[${count(value.length)}]`)];
  if (NdArray.is(value)) {
    return [token("type", `${value.dtype} `), token("mark", `[${value.shape.map(count).join(" × ")}]`)];
  }
  if (value instanceof Set) return [token("type", "Set "), token("mark", `{${count(value.size)}}`)];
  if (value instanceof Tagged) return [token("type", `Tag ${value.tag} `), ...shapeTokens(value.value)];
  if (isPlainMap(value)) return [token("mark", `{${count(Object.keys(value).length)}}`)];
  return [];
}

/** The length of a list, and the lengths of nested lists as long as they are equal. */
function dimensions(list: readonly Value[]): number[] {
  const width = Array.isArray(list[0]) ? list[0].length : -1;
  const regular = width > 0 && list.every((row) => Array.isArray(row) && row.length === width);
  return regular ? [list.length, ...dimensions(list[0] as Value[])] : [list.length];
}

/** A number with nine digits, for tables. */
export function rounded(value: number): string {
  return Number.isInteger(value) || !Number.isFinite(value)
    ? String(value)
    : String(Number(value.toPrecision(9)));
}

/** A value on one short line: a scalar, or the shape and the first entries of a container. */
export function preview(value: Value | LazyMap | LazyList, room = 96): Token[] {
  const scalar = scalarTokens(value, room);
  if (scalar !== undefined) return scalar;
  const tokens = shapeTokens(value);
  if (value instanceof LazyMap || value instanceof LazyList || NdArray.is(value)) return tokens;
  // The shape of a table says more than its first rows.
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
    // For display only: what is copied stays as it is.
    span.textContent = kind === "key" ? shownKey(text) : visible(text);
    return span;
  });
}
