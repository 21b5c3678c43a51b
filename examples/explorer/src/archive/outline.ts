import type { LazyList, LazyMap, Value } from "@peekpack/core";
import type { Span } from "./touched.js";

/**
 * What the table of contents says of a value that has not been read.
 *
 * Core tells this to nobody but its own writer so far, through the handles' "~location". All that the explorer takes from
 * there is in this module.
 */
export type Outline =
  /** A map or a list whose entries are in the table too. */
  | { readonly kind: "map" | "list"; readonly count: number; readonly span: Span | undefined }
  /** A list of small items, indexed by blocks. */
  | { readonly kind: "blocked"; readonly count: number; readonly span: Span }
  /** One encoded value: what it is shows when it is read. */
  | { readonly kind: "value"; readonly span: Span }
  /** An archive inside the archive, with a table of its own that has not been read. */
  | { readonly kind: "archive"; readonly span: Span };

type Handle = LazyMap | LazyList;
type Located = ReturnType<LazyMap["~location"]>;
type Children = ReturnType<Located["core"]["toc"]["children"]>;

/** What was learned of a handle's entries: held as long as the handle, so that rows are drawn without looking twice. */
const learned = new WeakMap<Handle, Children>();

function childrenOf(handle: Handle): Children | undefined {
  const known = learned.get(handle);
  if (known !== undefined) return known;
  const { core, node } = handle["~location"]();
  if (node.kind !== "map" && node.kind !== "list") return undefined;
  const children = core.toc.children(node);
  learned.set(handle, children);
  return children;
}

/** What the table says of an open container. */
export function outlineOf(handle: Handle): Outline {
  const { core, node } = handle["~location"]();
  return described(core, node);
}

/** What the table says of a container's entry. Undefined for an item of a list of blocks, which has no node of its own. */
export function childOutline(handle: Handle, index: number): Outline | undefined {
  const children = childrenOf(handle);
  if (children === undefined) return undefined;
  const { core } = handle["~location"]();
  const child = core.toc.node(children.at(index));
  return child.kind === "archive"
    ? { kind: "archive", span: archiveSpan(handle, child.offset) }
    : described(core, child);
}

/** How many entries a container has. */
export function sizeOf(handle: Handle): number {
  return "size" in handle ? handle.size : handle.length;
}

/** The key of a map's entry: decoded alone, so that a million keys cost nothing until they are looked at. */
export function keyOf(map: LazyMap, index: number): Value {
  const { core } = map["~location"]();
  const { bytes, cursor } = core.toc;
  const place = childrenOf(map)!.keys![index]!;
  return core.decodePlain(bytes.subarray(place, cursor.skip(place)));
}

/** The place of the entry under a text key; −1 when there is none. */
export function placeOfText(map: LazyMap, key: string): number {
  if (!map.has(key)) return -1;
  const { core, node } = map["~location"]();
  const children = childrenOf(map)!;
  const wanted = core.toc.child(
    node as Parameters<typeof core.toc.child>[0],
    new TextEncoder().encode(key),
  )?.place;
  for (let i = 0; i < children.size; i++) if (children.at(i).place === wanted) return i;
  return -1;
}

/** Whether a list's items are indexed by blocks: such items are small. */
export function isBlocked(handle: Handle): handle is LazyList {
  return handle["~location"]().node.kind === "blocked";
}

function described(core: Located["core"], node: Located["node"]): Outline {
  const placed = ({ start, end }: Span): Span => ({ start: core.origin + start, end: core.origin + end });
  switch (node.kind) {
    case "value":
      return { kind: "value", span: placed(node.span) };
    case "blocked": {
      const { bounds, length } = node.blocks;
      return { kind: "blocked", count: length, span: placed({ start: bounds[0]!, end: bounds.at(-1)! }) };
    }
    case "archive":
      return { kind: "archive", span: placed({ start: node.offset, end: core.header.tocStart }) };
    default:
      return {
        kind: node.kind,
        count: node.count,
        span: node.span === undefined ? undefined : placed(node.span),
      };
  }
}

/** Where the archives inside a combined one begin, in order. */
const starts = new WeakMap<Handle, Float64Array>();

/** An archive inside another reaches to the next one: its size is in its own header, which has not been read. */
function archiveSpan(handle: Handle, offset: number): Span {
  const { core } = handle["~location"]();
  let known = starts.get(handle);
  if (known === undefined) {
    const children = childrenOf(handle)!;
    known = new Float64Array(children.size);
    for (let i = 0; i < known.length; i++) {
      known[i] = core.toc.offset(children.at(i).place) ?? Number.POSITIVE_INFINITY;
    }
    known.sort();
    starts.set(handle, known);
  }
  const next = firstAbove(known, offset) ?? core.header.tocStart;
  return {
    start: core.origin + offset,
    end: core.origin + Math.min(next, core.header.tocStart),
  };
}

function firstAbove(sorted: Float64Array, value: number): number | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return sorted[low];
}
