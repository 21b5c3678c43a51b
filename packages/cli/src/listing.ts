import {
  type Archive,
  Ext,
  LazyList,
  LazyMap,
  NdArray,
  type Path,
  type PathKey,
  type Pattern,
  PeekpackError,
  type ReadOptions,
  Simple,
  Tagged,
  Timestamp,
  type Value,
} from "@peekpack/core";
import { type Outline, outlineEntries, outlineMatches, outlineOf } from "@peekpack/core/inspect";
import type { JsonInput } from "@peekpack/core/tagged";
import { keyLabel, pathLabel } from "./key-label.js";
import type { Style } from "./style.js";

/**
 * What an entry is. `value`: one that the table points at, whose type only its bytes tell; `archive`: a child archive. The
 * others are types of values that have been read.
 */
export type EntryKind =
  | "archive"
  | "value"
  | "map"
  | "list"
  | "text"
  | "bytes"
  | "number"
  | "boolean"
  | "null"
  | "undefined"
  | "instant"
  | "set"
  | "array"
  | "ext"
  | "tag"
  | "simple";

/** One entry of a container. */
export interface Entry {
  /** The key in a map, the index in a list. */
  readonly key: Value;
  readonly kind: EntryKind;
  /** Entries or items of a container. Undefined for other values, and if the table does not say it. */
  readonly items: number | undefined;
  /** Encoded size if the table says it. For a value that was read: the length of a text in UTF-8, or of a byte string. */
  readonly bytes: number | undefined;
}

/** An entry without its key. */
export type Description = Omit<Entry, "key">;

/** What a pattern matches, with the path to it. */
export type MatchedEntry = Description & { readonly path: readonly PathKey[] };

/** Everything that a pattern matches. If it is in the table, only the table is read. */
export async function* matchesOf(
  archive: Archive,
  pattern: Pattern,
  options?: ReadOptions,
): AsyncGenerator<MatchedEntry> {
  for await (const match of outlineMatches(archive, pattern, options)) {
    const { path } = match;
    yield { path, ...("outline" in match ? describeOutline(match.outline) : describeValue(match.value)) };
  }
}

/** The entries of the container at a path. If they are in the table, only the table is read. */
export async function* entriesAt(
  archive: Archive,
  path?: Path,
  options?: ReadOptions,
): AsyncGenerator<Entry> {
  const value = await archive.get(path, options);
  if (!(value instanceof LazyMap || value instanceof LazyList)) {
    yield* valueEntries(entriesOf(value));
  } else if (value instanceof LazyList && outlineOf(value).kind === "blocked") {
    // The table does not describe the items of blocks: they must be read.
    yield* valueEntries(value.entries(options));
  } else {
    for await (const window of outlineEntries(value, undefined, options)) {
      for (const { key, outline } of window) yield { key, ...describeOutline(outline) };
    }
  }
}

/** Characters that are collected before they are written. */
const CHUNK = 64 * 1024;

/** The entries of a container, or the matches of a pattern, one a line. */
export async function* entryLines(
  entries: AsyncIterable<Entry | MatchedEntry>,
  style: Style,
): AsyncGenerator<string> {
  let text = "";
  for await (const entry of entries) {
    text += entryLine(entry, style);
    if (text.length > CHUNK) {
      yield text;
      text = "";
    }
  }
  yield text;
}

function entryLine(entry: Entry | MatchedEntry, style: Style): string {
  const { kind, items, bytes } = entry;
  const label = "path" in entry ? pathLabel(entry.path) : keyLabel(entry.key);
  const isContainer = kind === "map" || kind === "list" || kind === "archive";
  const cells = [
    style.paint(kind.padEnd(9), isContainer ? "blue" : "dim"),
    (items === undefined ? "-" : style.count(items)).padStart(10),
    (bytes === undefined ? "-" : style.bytes(bytes)).padStart(12),
  ];
  return `${cells.join(" ")}  ${isContainer ? style.paint(label, "bold") : label}\n`;
}

/** Describes a value, or the container of a handle. */
export function describe(value: JsonInput): Description {
  return value instanceof LazyMap || value instanceof LazyList
    ? describeOutline(outlineOf(value))
    : describeValue(value);
}

function describeOutline({ kind, count, range }: Outline): Description {
  return {
    kind: kind === "blocked" ? "list" : kind,
    items: count,
    bytes: range && range.end - range.start,
  };
}

async function* valueEntries(
  entries: Iterable<[Value, JsonInput]> | AsyncIterable<[Value, JsonInput]>,
): AsyncGenerator<Entry> {
  for await (const [key, value] of entries) yield { key, ...describe(value) };
}

function entriesOf(value: Value): Iterable<[Value, JsonInput]> {
  if (NdArray.is(value) && value.shape.length > 0) return entriesOf(value.toNested() as Value);
  if (Array.isArray(value) || value instanceof Map) return value.entries();
  throw new PeekpackError("bad-path", `a value of type ${describeValue(value).kind} has no entries`);
}

function describeValue(value: Value): Description {
  const { kind, items, bytes } = typed(value);
  return { kind, items, bytes };
}

function typed(value: Value): { kind: EntryKind; items?: number; bytes?: number } {
  if (value === null) return { kind: "null" };
  if (value === undefined) return { kind: "undefined" };
  if (typeof value === "string") return { kind: "text", bytes: Buffer.byteLength(value) };
  if (typeof value === "boolean") return { kind: "boolean" };
  if (typeof value !== "object") return { kind: "number" };
  if (Array.isArray(value)) return { kind: "list", items: value.length };
  if (value instanceof Map) return { kind: "map", items: value.size };
  if (value instanceof Set) return { kind: "set", items: value.size };
  if (value instanceof Uint8Array) return { kind: "bytes", bytes: value.length };
  if (NdArray.is(value)) return { kind: "array", items: value.data.length };
  if (value instanceof Date || value instanceof Timestamp) return { kind: "instant" };
  if (value instanceof Ext) return { kind: "ext", bytes: value.data.length };
  if (value instanceof Tagged) return { kind: "tag" };
  if (value instanceof Simple) return { kind: "simple" };
  return { kind: "map", items: Object.keys(value).length };
}
