import { Ext, NdArray, Tagged, type Value } from "@peekpack/core";
import { isPlainMap } from "../archive/entry.js";
import { hex, keyText } from "../archive/segments.js";
import { count } from "../ui/format.js";
import { beginning } from "../ui/shown-text.js";
import { preview, scalarTokens, shapeTokens, type Token, textOf, token } from "./tokens.js";

/** A line of a value's text. */
export interface Line {
  readonly indent: number;
  readonly tokens: readonly Token[];
}

/** Characters of a line after which texts and lists of scalars are wrapped, unless another width is given. */
const WIDTH = 92;

/**
 * The lines of a value as indented text, made on demand. Short containers take one line. Lists of numbers are wrapped, and
 * their lines begin with an index. Bytes are hexadecimal. Values that JSON lacks are shown with their type.
 */
export function* textLines(value: Value, width: number = WIDTH): Generator<Line> {
  if (typeof value === "string" && (value.length > width || value.includes("\n"))) {
    yield* wrapped(value, width);
    return;
  }
  if (value instanceof Uint8Array) yield* hexLines(value);
  else if (value instanceof Ext) {
    yield {
      indent: 0,
      tokens: [token("type", `Ext ${value.type}`), token("faint", ` ${count(value.data.length)} bytes`)],
    };
    yield* hexLines(value.data);
  } else yield* lines(value, 0, [], [], width);
}

/** The lines of a text. Long ones are wrapped, without splitting a character. */
function* wrapped(text: string, width: number): Generator<Line> {
  let at = 0;
  for (;;) {
    const end = text.indexOf("\n", at);
    const stop = end < 0 ? text.length : end;
    do {
      const part = beginning(text.slice(at, Math.min(stop, at + width * 2)), width);
      yield { indent: 0, tokens: [token("string", part.endsWith("\r") ? part.slice(0, -1) : part)] };
      at += part.length;
    } while (at < stop);
    if (end < 0) return;
    at = end + 1;
  }
}

function* lines(
  value: Value,
  indent: number,
  before: readonly Token[],
  after: readonly Token[],
  width: number,
): Generator<Line> {
  const scalar = scalarTokens(value);
  if (scalar !== undefined) {
    yield { indent, tokens: [...before, ...scalar, ...after] };
    return;
  }
  if (value instanceof Tagged) {
    yield* lines(
      value.value,
      indent,
      [...before, token("type", `Tag ${value.tag} `), token("mark", "(")],
      [token("mark", ")"), ...after],
      width,
    );
    return;
  }
  const typed =
    value instanceof NdArray ? shapeTokens(value) : value instanceof Set ? [token("type", "Set ")] : [];
  const items = itemsOf(value);
  if (items !== undefined) {
    yield* listLines(
      items,
      indent,
      [...before, ...typed, ...(typed.length > 0 ? [token("mark", " ")] : [])],
      after,
      width,
    );
    return;
  }
  const entries: [Value, Value][] =
    value instanceof Map ? [...value] : Object.entries(value as { [key: string]: Value });
  const short = oneLine(value, entries.length, width);
  if (short !== undefined) {
    yield { indent, tokens: [...before, ...short, ...after] };
    return;
  }
  yield { indent, tokens: [...before, token("mark", "{")] };
  for (const [i, [key, inner]] of entries.entries()) {
    const name = typeof key === "string" ? JSON.stringify(key) : keyText(key);
    const comma = i < entries.length - 1 ? [token("mark", ",")] : [];
    yield* lines(inner, indent + 1, [token("key", name), token("mark", ": ")], comma, width);
  }
  yield { indent, tokens: [token("mark", "}"), ...after] };
}

type Items = { readonly length: number; readonly at: (index: number) => Value };

function itemsOf(value: Value): Items | undefined {
  if (Array.isArray(value)) return { length: value.length, at: (i) => value[i] };
  if (value instanceof Set) {
    const items = [...value];
    return { length: items.length, at: (i) => items[i] };
  }
  if (value instanceof NdArray) {
    // Row by row: all rows as nested lists would take many times the memory of the array.
    const { data, shape, dtype } = value;
    const [length = 0, ...rest] = shape;
    const width = rest.reduce((product, of) => product * of, 1);
    const at = (i: number): Value =>
      new NdArray(data.subarray(i * width, (i + 1) * width), [...rest], dtype).toNested() as Value;
    return { length, at: rest.length > 0 ? at : (i) => (dtype === "bool" ? data[i] === 1 : data[i]!) };
  }
  return undefined;
}

function* listLines(
  items: Items,
  indent: number,
  before: readonly Token[],
  after: readonly Token[],
  width: number,
): Generator<Line> {
  const { length } = items;
  if (length === 0) {
    yield { indent, tokens: [...before, token("mark", "[]"), ...after] };
    return;
  }
  let opened = false;
  let filled: Token[] = [];
  let filledWidth = 0;
  for (let i = 0; i < length; i++) {
    const item = items.at(i);
    const comma = i < length - 1 ? [token("mark", ", ")] : [];
    const scalar = typeof item === "string" && item.length > width ? undefined : scalarTokens(item);
    if (scalar !== undefined) {
      const size = textOf(scalar).length + 2;
      if (filledWidth > 0 && filledWidth + size > width) {
        if (!opened) yield { indent, tokens: [...before, token("mark", "[")] };
        opened = true;
        yield { indent: indent + 1, tokens: filled };
        filled = [];
        filledWidth = 0;
      }
      filled.push(...scalar, ...comma);
      filledWidth += size;
      continue;
    }
    if (!opened) yield { indent, tokens: [...before, token("mark", "[")] };
    opened = true;
    if (filledWidth > 0) yield { indent: indent + 1, tokens: filled };
    filled = [];
    filledWidth = 0;
    yield* lines(item, indent + 1, [], i < length - 1 ? [token("mark", ",")] : [], width);
  }
  if (!opened) {
    yield { indent, tokens: [...before, token("mark", "["), ...filled, token("mark", "]"), ...after] };
    return;
  }
  if (filledWidth > 0) yield { indent: indent + 1, tokens: filled };
  yield { indent, tokens: [token("mark", "]"), ...after] };
}

/** A small map of scalars as one line. */
function oneLine(value: Value, size: number, width: number): Token[] | undefined {
  if (size === 0) return [token("mark", "{}")];
  if (size > 5) return undefined;
  const entries: [Value, Value][] =
    value instanceof Map ? [...value] : isPlainMap(value) ? Object.entries(value) : [];
  const tokens: Token[] = [token("mark", "{ ")];
  for (const [i, [key, inner]] of entries.entries()) {
    const scalar = scalarTokens(inner);
    if (scalar === undefined) return undefined;
    const name = typeof key === "string" ? JSON.stringify(key) : keyText(key);
    tokens.push(...(i > 0 ? [token("mark", ", ")] : []), token("key", name), token("mark", ": "), ...scalar);
  }
  tokens.push(token("mark", " }"));
  return textOf(tokens).length <= width - 20 ? tokens : undefined;
}

function* hexLines(bytes: Uint8Array): Generator<Line> {
  const digits = Math.max(4, (bytes.length - 1).toString(16).length);
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const pairs = hex(row).match(/../g) ?? [];
    const columns = `${pairs.slice(0, 8).join(" ")}  ${pairs.slice(8).join(" ")}`.padEnd(49);
    const text = Array.from(row, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·",
    ).join("");
    yield {
      indent: 0,
      tokens: [
        token("faint", `${at.toString(16).padStart(digits, "0")}  `),
        token("bytes", columns),
        token("faint", `  ${text}`),
      ],
    };
  }
  if (bytes.length === 0) yield { indent: 0, tokens: preview(bytes) };
}

/** The whole text of a value, for the clipboard. */
export function wholeText(value: Value): string {
  let text = "";
  for (const { indent, tokens } of textLines(value)) text += `${"  ".repeat(indent)}${textOf(tokens)}\n`;
  return text;
}
