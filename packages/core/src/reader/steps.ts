import { PeekpackError } from "../errors.js";
import { type Item, is } from "../format/cursor.js";
import type { ChildNode, TocNode } from "../format/toc.js";
import type { NdArray } from "../numpy/nd-array.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveCore } from "./archive-core.js";
import { type ListSelection, resolveListSegment } from "./list-segment.js";
import {
  type Branch,
  childOf,
  encodeKey,
  isKey,
  isRecord,
  keyAt,
  type Location,
  rootOf,
} from "./location.js";
import { type PathSegment, Slice } from "./path.js";
import { sameKey } from "./same-key.js";

/** Goes one segment down. `path` is the whole way, for messages. */
export function step(
  from: Location,
  segment: PathSegment,
  path: readonly unknown[],
  options?: ReadOptions,
): Location | Promise<Location> {
  if (from.kind === "plain") return within(from.value, segment, path);
  if (from.kind === "many") {
    return pick(resolveListSegment(segment, from.items.length, path), (index) => from.items[index]!);
  }
  const { core, node } = from;
  switch (node.kind) {
    case "archive":
      return core.child(node.offset, options).then((child) => step(rootOf(child), segment, path, options));
    case "value":
      return core.value(node.span, options).then((value) => within(value, segment, path));
    case "list": {
      const item = (index: number): Location => childOf(core, core.toc.index!.item(node, index));
      const selection = resolveListSegment(segment, node.count, path);
      return pick(selection, item, () => {
        const children = core.toc.children(node);
        return indices(selection).map((index) => childOf(core, children.at(index)));
      });
    }
    case "blocked": {
      const selection = resolveListSegment(segment, node.blocks.length, path);
      return blockItems(core, node, indices(selection), options).then((values) =>
        pick(selection, selection.kind === "index" ? () => plain(values[0]) : undefined, () =>
          values.map(plain),
        ),
      );
    }
    case "map": {
      const child = findChild(core, node, segment);
      if (child === undefined) throw missing(segment, path);
      return childOf(core, child);
    }
  }
}

const plain = (value: Value): Location => ({ kind: "plain", value });

function pick(
  selection: ListSelection,
  item: ((index: number) => Location) | undefined,
  all: () => readonly Location[] = () => indices(selection).map(item!),
): Location {
  return selection.kind === "index" ? item!(selection.index) : { kind: "many", items: all() };
}

/** The indices that a selection names, in its order. */
export function indices(selection: ListSelection): number[] {
  if (selection.kind === "index") return [selection.index];
  return Array.from({ length: selection.count }, (_, i) => selection.start + i * selection.step);
}

/** Looks a segment up in a map's node. */
export function findChild(core: ArchiveCore, node: Branch, segment: PathSegment): ChildNode | undefined {
  if (typeof segment === "string") {
    return isKey(segment) ? core.toc.child(node, encodeKey(segment)) : undefined;
  }
  if (segment instanceof Slice) return undefined;
  const { cursor } = core.toc;
  const { keys, size, at } = core.toc.children(node);
  const item: Item = { kind: "other", value: 0 };
  for (let i = 0; i < size; i++) {
    const place = keys![i]!;
    cursor.head(place, item);
    if (!is(item, "text") && sameKey(keyAt(core, place), segment)) return at(i);
  }
  return undefined;
}

/** Items of a list of blocks, by index. Each block is read and decoded once. */
export async function blockItems(
  core: ArchiveCore,
  node: TocNode & { readonly kind: "blocked" },
  wanted: readonly number[],
  options?: ReadOptions,
): Promise<Value[]> {
  const { bounds, before } = node.blocks;
  const places = wanted.map((index) => blockOf(before, index));
  const needed = [...new Set(places)];
  const read = await core.read(
    needed.map((block) => ({ start: bounds[block]!, end: bounds[block + 1]! })),
    options,
  );
  const items = new Map<number, Value[]>();
  for (const [i, block] of needed.entries()) {
    const count = before[block + 1]! - before[block]!;
    items.set(block, await core.decode(read[i]!, count, bounds[block]!));
  }
  return wanted.map((index, i) => items.get(places[i]!)![index - before[places[i]!]!]);
}

/** The block that holds an item. */
export function blockOf(before: Float64Array, index: number): number {
  let low = 0;
  let high = before.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before[middle + 1]! <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}

function within(value: Value, segment: PathSegment, path: readonly unknown[]): Location {
  if (Array.isArray(value)) {
    return pick(resolveListSegment(segment, value.length, path), (index) => plain(value[index]));
  }
  if (isNdArray(value) && value.shape.length > 0) return within(value.toNested() as Value, segment, path);
  if (value instanceof Map) {
    if (!(segment instanceof Slice)) {
      if (value.has(segment)) return plain(value.get(segment));
      for (const [key, inner] of value) if (sameKey(key, segment)) return plain(inner);
    }
    throw missing(segment, path);
  }
  if (isRecord(value)) {
    if (typeof segment === "string" && Object.hasOwn(value, segment)) return plain(value[segment]);
    throw missing(segment, path);
  }
  throw new PeekpackError("bad-path", `${show(path)}: nothing lies below ${describe(value)}.`, { path });
}

/** By its shape: the class itself is loaded when the first array turns up. */
function isNdArray(value: Value): value is NdArray {
  return value !== null && typeof value === "object" && "dtype" in value && "toNested" in value;
}

function missing(segment: PathSegment, path: readonly unknown[]): PeekpackError {
  if (segment instanceof Slice) {
    return new PeekpackError("bad-path", `${show(path)}: a map has no slices.`, { path });
  }
  return new PeekpackError("not-found", `${show(path)}: there is no such key.`, { path });
}

function describe(value: Value): string {
  return value === null
    ? "null"
    : typeof value === "object"
      ? `a ${value.constructor.name}`
      : `a ${typeof value}`;
}

/** A path as text, for messages. */
export function show(path: readonly unknown[]): string {
  const text = path.map((key) => (typeof key === "string" ? key : String(key))).join("/");
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
