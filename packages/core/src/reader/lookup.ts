import { isPeekpackError, PeekpackError } from "../errors.js";
import type { Branch, TableNode } from "../format/table-view.js";
import { isNdArray } from "../nd-array-brand.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveReader } from "./archive-reader.js";
import { blockItems } from "./blocks.js";
import { KeyMismatch, verified } from "./key-mismatch.js";
import { type ListSelection, resolveListSegment } from "./list-selection.js";
import { type PathSegment, Slice } from "./path.js";
import { sameKey } from "./same-key.js";

/** Where a path has led to. */
export type Location =
  /** A node of a table: nothing below it has been read. */
  | { readonly kind: "node"; readonly archive: ArchiveReader; readonly node: TableNode }
  /** A value that was read as part of a larger one. */
  | { readonly kind: "plain"; readonly value: Value }
  /** What a slice has selected of a list. */
  | { readonly kind: "many"; readonly items: readonly Location[] };

/** The location of a node. */
export interface NodeLocation {
  readonly kind: "node";
  readonly archive: ArchiveReader;
  readonly node: TableNode;
}

/** The root of an archive. */
export function rootOf(archive: ArchiveReader): NodeLocation {
  return { kind: "node", archive, node: archive.table.root() };
}

/** Follows a path from the root and does something there. Errors then name the path. */
export async function lookUp<T>(
  archive: ArchiveReader,
  path: readonly PathSegment[],
  options: ReadOptions | undefined,
  work: (at: Location) => Promise<T>,
): Promise<T> {
  try {
    return await work(await follow(rootOf(archive), path, options));
  } catch (error) {
    if (!isPeekpackError(error) || error.path !== undefined || path.length === 0) throw error;
    const { code, message, section, offset, cause } = error;
    throw new PeekpackError(code, message, { section, offset, path, cause });
  }
}

/** Whether there is something at a path. */
export async function hasAt(
  archive: ArchiveReader,
  path: readonly PathSegment[],
  options?: ReadOptions,
): Promise<boolean> {
  try {
    await follow(rootOf(archive), path, options);
    return true;
  } catch (error) {
    if (isPeekpackError(error) && (error.code === "not-found" || error.code === "bad-path")) return false;
    throw error;
  }
}

/** Follows a path. A step that needs no bytes runs at once. */
export async function follow(
  from: Location,
  segments: readonly PathSegment[],
  options?: ReadOptions,
  exact = false,
): Promise<Location> {
  try {
    let at = from;
    for (const i of segments.keys()) {
      const next = step(at, segments, i, options, exact);
      at = next instanceof Promise ? await next : next;
    }
    if (at.kind === "node") await verified(at.node);
    return at;
  } catch (error) {
    if (!(error instanceof KeyMismatch) || exact) throw error;
    return follow(from, segments, options, true);
  }
}

/** Goes one segment of a path down. */
function step(
  from: Location,
  segments: readonly PathSegment[],
  i: number,
  options: ReadOptions | undefined,
  exact: boolean,
): Location | Promise<Location> {
  const segment = segments[i]!;
  /** Leads here from the root, for messages. */
  const path = segments.slice(0, i + 1);
  if (from.kind === "plain") return stepInto(from.value, segment, path);
  if (from.kind === "many") {
    const { items } = from;
    return pick(resolveListSegment(segment, items.length, path), (index) => items[index]!);
  }
  const { archive, node } = from;
  archive.table.paged?.prefetch(node, segments.slice(i), options);
  const located = (found: TableNode): Location => ({ kind: "node", archive, node: found });
  switch (node.kind) {
    case "archive":
      return archive.child(node, options).then((child) => step(rootOf(child), segments, i, options, exact));
    case "value":
      return archive.value(node.span, options).then((value) => stepInto(value, segment, path));
    case "list": {
      const selection = resolveListSegment(segment, node.count, path);
      if (selection.kind === "index") {
        return after(archive.table.item(node, selection.index, options, exact), located);
      }
      return archive.table
        .items(node, selectedIndices(selection), options)
        .then((nodes) => ({ kind: "many", items: nodes.map(located) }));
    }
    case "blocked": {
      const selection = resolveListSegment(segment, node.length, path);
      return blockItems(archive, node, selectedIndices(selection), options).then((values) =>
        selection.kind === "index" ? plain(values[0]) : { kind: "many", items: values.map(plain) },
      );
    }
    case "map": {
      const found = segment instanceof Slice ? undefined : archive.table.find(node, segment, options, exact);
      return after(found, (child) => {
        if (child === undefined) throw missingKey(segment, path);
        return located(child);
      });
    }
  }
}

/** Does something with a value, at once if it is here. */
function after<T, R>(value: T | Promise<T>, work: (value: T) => R): R | Promise<R> {
  return value instanceof Promise ? value.then(work) : work(value);
}

const plain = (value: Value): Location => ({ kind: "plain", value });

function pick(selection: ListSelection, item: (index: number) => Location): Location {
  return selection.kind === "index"
    ? item(selection.index)
    : { kind: "many", items: selectedIndices(selection).map(item) };
}

/** The indices that a selection names, in its order. */
export function selectedIndices(selection: ListSelection): number[] {
  if (selection.kind === "index") return [selection.index];
  return Array.from({ length: selection.count }, (_, i) => selection.start + i * selection.step);
}

/** Goes one segment down in a value that was read. */
function stepInto(value: Value, segment: PathSegment, path: readonly unknown[]): Location {
  if (Array.isArray(value)) {
    return pick(resolveListSegment(segment, value.length, path), (index) => plain(value[index]));
  }
  if (isNdArray(value) && value.shape.length > 0) {
    return stepInto(value.toNested() as Value, segment, path);
  }
  if (value instanceof Map) {
    if (!(segment instanceof Slice)) {
      if (value.has(segment)) return plain(value.get(segment));
      for (const [key, inner] of value) if (sameKey(key, segment)) return plain(inner);
    }
    throw missingKey(segment, path);
  }
  if (isRecord(value)) {
    if (typeof segment === "string" && Object.hasOwn(value, segment)) return plain(value[segment]);
    throw missingKey(segment, path);
  }
  throw new PeekpackError("bad-path", `${showPath(path)}: nothing lies below ${describe(value)}.`, { path });
}

/** Whether a value is a map of text keys, as decoding makes them. */
export function isRecord(value: unknown): value is { [key: string]: Value } {
  return value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
}

/** The error for a key that a map does not have. */
export function missingKey(segment: PathSegment, path: readonly unknown[]): PeekpackError {
  if (segment instanceof Slice) {
    return new PeekpackError("bad-path", `${showPath(path)}: a map has no slices.`, { path });
  }
  return new PeekpackError("not-found", `${showPath(path)}: there is no such key.`, { path });
}

function describe(value: Value): string {
  return value === null
    ? "null"
    : typeof value === "object"
      ? `a ${value.constructor.name}`
      : `a ${typeof value}`;
}

/** A path as text, for messages. */
export function showPath(path: readonly unknown[]): string {
  const text = path.map(String).join("/");
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Whether a location is a value that is read whole: no container with entries of its own in the table. */
export function isValue(at: Location): boolean {
  return at.kind === "plain" || (at.kind === "node" && at.node.kind === "value");
}

/** Whether a node has nodes below it. */
export function isBranch(node: TableNode): node is Branch {
  return node.kind === "map" || node.kind === "list";
}

/** Whether two nodes of one table are the same container. */
export function sameEntries(a: TableNode, b: TableNode): boolean {
  if (a.kind === "blocked" && b.kind === "blocked") {
    return "before" in a.blocks && "before" in b.blocks
      ? a.blocks.bounds[0] === b.blocks.bounds[0]
      : !("before" in a.blocks || "before" in b.blocks) && a.blocks.node === b.blocks.node;
  }
  if (!isBranch(a) || !isBranch(b) || a.kind !== b.kind) return false;
  return "view" in a.entries && "view" in b.entries
    ? a.entries.first === b.entries.first
    : !("view" in a.entries || "view" in b.entries) && a.entries.node === b.entries.node;
}
