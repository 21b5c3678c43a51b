import type { Branch, TableNode } from "../format/table-view.js";
import type { Archive } from "../reader/archive.js";
import type { ArchiveReader } from "../reader/archive-reader.js";
import { type EntryRange, nodeOf } from "../reader/entry.js";
import { handleOf, type LazyList, type LazyMap } from "../reader/handles.js";
import { verified } from "../reader/key-mismatch.js";
import { isBranch, type NodeLocation, sameEntries } from "../reader/lookup.js";
import type { PathKey } from "../reader/path.js";
import type { Pattern, Selected } from "../reader/pattern.js";
import { matches } from "../reader/select.js";
import type { ByteRange, ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";

/** What the table of contents says of a value, without reading it. */
export interface Outline {
  /**
   * `map`, `list`: a container with entries of its own in the table. `blocked`: a list that is indexed by blocks.
   * `value`: one encoded value of any type. `archive`: a child archive, with a table of its own.
   */
  readonly kind: "map" | "list" | "blocked" | "value" | "archive";
  /** Entries or items. Undefined for a value and a child archive. */
  readonly count: number | undefined;
  /** Where its bytes are in the source. Undefined if the table does not say it in one piece. */
  readonly range: ByteRange | undefined;
}

/** What the header of an archive says. Sizes in bytes. */
export interface ArchiveOutline {
  readonly codec: "msgpack" | "cbor";
  readonly size: number;
  readonly dataBytes: number;
  readonly tocBytes: number;
  /** Offset of the archive in its source. */
  readonly offset: number;
  /** How many archives contain it. */
  readonly nesting: number;
}

/** An entry of a container, as the table of contents describes it. */
export interface OutlineEntry {
  readonly index: number;
  /** The key in a map, the index in a list. */
  readonly key: Value;
  readonly outline: Outline;
  /**
   * Reads the value, whatever its key is: a handle of a container, else a copy of the value. Looks up no key, because the table says
   * where the value is. Rejects as `get` of the container does.
   */
  get(options?: ReadOptions): Promise<LazyMap | LazyList | Value>;
}

/** As {@link outlineOf}. Other work runs while the keys of a large map are counted. @throws the signal's reason */
export async function loadOutline(of: Archive | LazyMap | LazyList, options?: ReadOptions): Promise<Outline> {
  const { archive, node } = locationOf(of);
  await learned(archive, node, options);
  return describe(archive, node);
}

/** What the table says of the root of an archive, or of a handle. */
export function outlineOf(of: Archive | LazyMap | LazyList): Outline {
  const { archive, node } = locationOf(of);
  return describe(archive, node);
}

/**
 * The entries of a container, some at a time, in order. Only the table is read: all of it is in memory, or pages of it
 * are fetched through its page index. A list of blocks has no entries in the table.
 */
export async function* outlineEntries(
  of: Archive | LazyMap | LazyList,
  range?: EntryRange,
  options?: ReadOptions,
): AsyncGenerator<OutlineEntry[], undefined> {
  const { archive, node } = locationOf(of);
  if (node.kind !== "map" && node.kind !== "list") return undefined;
  for await (const window of archive.table.walk(node, range, options)) {
    const children = window.map(nodeOf);
    for (const child of children) {
      const learning = learned(archive, child, options);
      if (learning !== undefined) await learning;
    }
    yield window.map((entry, i) => {
      const child = children[i]!;
      return {
        index: entry.index,
        key: archive.table.key(entry),
        outline: describe(archive, child),
        get: (options) => handleOf({ kind: "node", archive, node: child }, archive.budget(), options),
      };
    });
  }
  return undefined;
}

/** What a pattern matches: what the table says of it, or a value that was read because the table does not say it. */
export type OutlineMatch = { readonly path: PathKey[]; readonly outline: Outline } | Selected;

/**
 * Everything that a pattern matches, as {@link Archive.select} finds it, without reading values. Only what the pattern leads
 * into is read: values whose entries are not in the table, and lists of blocks.
 */
export function outlineMatches(
  of: Archive,
  pattern: Pattern,
  options?: ReadOptions,
): AsyncIterable<OutlineMatch> {
  return matches(of["~location"]().archive, pattern, options, async (path, { archive, node }) => {
    await verified(node);
    await learned(archive, node, options);
    return { path, outline: describe(archive, node) };
  });
}

/** The index of the entry under a key of a map. −1 if there is none. */
export async function indexOfKey(
  of: Archive | LazyMap,
  key: PathKey,
  options?: ReadOptions,
): Promise<number> {
  const { archive, node } = locationOf(of);
  return node.kind === "map" ? archive.table.indexOf(node as Branch, key, options) : -1;
}

/** The archive that a handle is the root of. Undefined for any other handle. */
export function rootArchiveOf(of: Archive | LazyMap | LazyList): ArchiveOutline | undefined {
  const { archive, node } = locationOf(of);
  const root = archive.table.root();
  const isRoot =
    node.kind === root.kind && (node.kind === "blocked" || isBranch(node)) && sameEntries(node, root);
  if (!isRoot) return undefined;
  const { header, size, start, nesting } = archive;
  return {
    codec: header.protocol,
    size,
    dataBytes: header.tocStart,
    tocBytes: header.tocSize,
    offset: start,
    nesting,
  };
}

/** The codec of the innermost archive around a handle. */
export function codecOf(of: Archive | LazyMap | LazyList): "msgpack" | "cbor" {
  return locationOf(of).archive.header.protocol;
}

function locationOf(of: Archive | LazyMap | LazyList): NodeLocation {
  return of["~location"]();
}

/** Counts the keys of a large map in slices of time, so that a description does not count them at once. */
function learned(
  archive: ArchiveReader,
  node: TableNode,
  options?: ReadOptions,
): undefined | Promise<unknown> {
  return isBranch(node) ? archive.table.learn(node, options) : undefined;
}

function describe(archive: ArchiveReader, node: TableNode): Outline {
  const { origin } = archive;
  const range = (start: number, end: number): ByteRange => ({ start: origin + start, end: origin + end });
  switch (node.kind) {
    case "value":
      return { kind: "value", count: undefined, range: range(node.span.start, node.span.end) };
    case "archive":
      return { kind: "archive", count: undefined, range: range(node.offset, archive.endOf(node)) };
    case "blocked": {
      if (!("before" in node.blocks)) return { kind: "blocked", count: node.length, range: undefined };
      const { bounds } = node.blocks;
      return { kind: "blocked", count: node.length, range: range(bounds[0]!, bounds.at(-1)!) };
    }
    default:
      return {
        kind: node.kind,
        count: archive.table.size(node),
        range: node.span && range(node.span.start, node.span.end),
      };
  }
}
