import {
  type Archive,
  Ext,
  LazyList,
  LazyMap,
  NdArray,
  type Path,
  PeekpackError,
  Simple,
  Tagged,
  Timestamp,
  type Value,
} from "@peekpack/core";
import { type Outline, outlineEntries, outlineOf } from "@peekpack/core/inspect";
import type { Writable } from "./json-text.js";
import { keyLabel } from "./key-label.js";

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
  /** The key of a map, the index of a list. */
  readonly key: Value;
  readonly kind: EntryKind;
  /** Entries or items of a container; undefined where it has none or the table does not say. */
  readonly items: number | undefined;
  /** Encoded size, where the table says it: else the length of texts (in UTF-8) and byte strings. */
  readonly bytes: number | undefined;
}

/** What a value is, without its key. */
export type Description = Omit<Entry, "key">;

/** The entries of the container at a path. Of containers with entries in the table nothing is read but the table. */
export async function* entriesAt(archive: Archive, path?: Path): AsyncGenerator<Entry> {
  const value = await archive.get(path);
  if (value instanceof LazyMap) {
    yield* tableEntries(value);
  } else if (value instanceof LazyList) {
    // Items of blocks have no entries of their own: they must be read.
    if (outlineOf(value).kind === "blocked") yield* valueEntries(value.entries());
    else yield* tableEntries(value);
  } else {
    yield* valueEntries(entriesOf(value));
  }
}

/** Characters that are collected before they are handed out. */
const PIECE = 64 * 1024;

/** The entries of a container, a line each. */
export async function* entryLines(entries: AsyncIterable<Entry>): AsyncGenerator<string> {
  let text = "";
  for await (const entry of entries) {
    text += entryLine(entry);
    if (text.length > PIECE) {
      yield text;
      text = "";
    }
  }
  yield text;
}

function entryLine({ key, kind, items, bytes }: Entry): string {
  return `${kind.padEnd(9)} ${String(items ?? "-").padStart(10)} ${String(bytes ?? "-").padStart(12)}  ${keyLabel(key)}\n`;
}

/** What lies at a path. */
export function describe(value: Writable): Description {
  if (value instanceof LazyMap || value instanceof LazyList) {
    return describeOutline(outlineOf(value));
  }
  return describeValue(value);
}

async function* tableEntries(handle: LazyMap | LazyList): AsyncGenerator<Entry> {
  for await (const window of outlineEntries(handle)) {
    for (const { key, outline } of window) yield { key, ...describeOutline(outline) };
  }
}

function describeOutline({ kind, count, range }: Outline): Description {
  return {
    kind: kind === "blocked" ? "list" : kind,
    items: count,
    bytes: range && range.end - range.start,
  };
}

async function* valueEntries(
  entries: Iterable<[Value, Writable]> | AsyncIterable<[Value, Writable]>,
): AsyncGenerator<Entry> {
  for await (const [key, value] of entries) yield { key, ...describe(value) };
}

function entriesOf(value: Value): Iterable<[Value, Writable]> {
  if (value instanceof NdArray && value.shape.length > 0) return entriesOf(value.toNested() as Value);
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
  if (value instanceof NdArray) return { kind: "array", items: value.data.length };
  if (value instanceof Date || value instanceof Timestamp) return { kind: "instant" };
  if (value instanceof Ext) return { kind: "ext", bytes: value.data.length };
  if (value instanceof Tagged) return { kind: "tag" };
  if (value instanceof Simple) return { kind: "simple" };
  return { kind: "map", items: Object.keys(value).length };
}
