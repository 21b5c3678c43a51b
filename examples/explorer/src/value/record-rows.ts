import { LazyList, LazyMap } from "@peekpack/core";
import { type Entry, isPlainMap } from "../archive/entry.js";
import { keyText } from "../archive/segments.js";

/** Entries that decide whether a container holds records. */
const SAMPLE = 3;
/** Values up to this size are read to find out what they are. */
const SAMPLE_BYTES = 16 * 1024;
/** A map with more keys is no record. */
const MAX_KEYS = 200;
/** The share of their keys that records have in common. */
const COMMON = 0.6;

/**
 * Whether the first entries of a container in the table are maps with the same keys, but for some. Entries that the table
 * describes are compared by it. Small values are read, but only of lists: unfolding a map costs nothing.
 */
export async function holdsRecords(entry: Entry, signal: AbortSignal): Promise<boolean> {
  const value = entry.content?.value;
  const size = entry.size ?? 0;
  if (size < 2 || !(value instanceof LazyMap || value instanceof LazyList)) return false;
  const rows = Array.from({ length: Math.min(SAMPLE, size) }, (_, i) => entry.child(i));
  if (rows.some((row) => !mayBeRecord(row, value instanceof LazyList))) return false;
  await Promise.all(rows.map((row) => row.load({ signal })));
  const keys = rows.map(keysOf);
  if (keys.some((names) => names === undefined || names.size === 0)) return false;
  const [first, ...others] = keys as Set<string>[];
  const union = new Set(keys.flatMap((names) => [...names!]));
  const common = [...first!].filter((name) => others.every((names) => names.has(name)));
  return common.length >= union.size * COMMON;
}

function mayBeRecord({ outline }: Entry, mayRead: boolean): boolean {
  if (outline?.kind === "map") return (outline.count ?? 0) <= MAX_KEYS;
  const bytes = outline?.range === undefined ? undefined : outline.range.end - outline.range.start;
  return mayRead && outline?.kind === "value" && bytes !== undefined && bytes <= SAMPLE_BYTES;
}

/** The keys of a map that was read. Undefined for other values. */
function keysOf(row: Entry): Set<string> | undefined {
  const value = row.content?.value;
  const isMap = value instanceof LazyMap || value instanceof Map || isPlainMap(value);
  if (!isMap || row.size! > MAX_KEYS) return undefined;
  return new Set(Array.from({ length: row.size! }, (_, i) => keyText(row.keyAt(i))));
}
