import type { Span, TocNode } from "../format/toc.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveCore } from "./archive-core.js";
import type { LazyList } from "./lazy-list.js";
import type { LazyMap } from "./lazy-map.js";
import type { Branch, Location } from "./location.js";

/** Makes the public value of a location: a handle for a container, else the value itself. */
export type Present = (at: Location, options?: ReadOptions) => Promise<LazyMap | LazyList | Value>;

/** About so many bytes, or so many children, are read at once while a container is walked over. */
const WINDOW_BYTES = 1024 * 1024;
const WINDOW_COUNT = 1024;

/** A child while its container is walked over. */
export interface Child {
  readonly index: number;
  readonly node: TocNode;
  /** Place of its key in the table; −1 in a list. */
  readonly key: number;
}

/** A node's children, cut into windows that are read at once. */
export function* windows(core: ArchiveCore, node: Branch): Generator<Child[]> {
  const children = core.toc.children(node);
  let window: Child[] = [];
  let bytes = 0;
  for (let index = 0; index < children.size; index++) {
    const child = core.toc.node(children.at(index));
    window.push({ index, node: child, key: children.keys?.[index] ?? -1 });
    if (child.kind === "value") bytes += child.span.end - child.span.start;
    if (bytes >= WINDOW_BYTES || window.length >= WINDOW_COUNT) {
      yield window;
      window = [];
      bytes = 0;
    }
  }
  if (window.length > 0) yield window;
}

/** What some nodes stand for: values read with one call to the source, containers as handles. */
export async function presentChildren(
  core: ArchiveCore,
  nodes: readonly TocNode[],
  present: Present,
  options?: ReadOptions,
): Promise<(LazyMap | LazyList | Value)[]> {
  const spans = nodes.flatMap((child) => (child.kind === "value" ? [child.span] : []));
  const values = readValues(core, spans, options);
  // The others are awaited first; this one's failure must not be taken for one that nobody handles.
  values.catch(() => {});
  const others = await Promise.all(
    nodes.map((node) => (node.kind === "value" ? undefined : present({ kind: "node", core, node }, options))),
  );
  const read = await values;
  let next = 0;
  return nodes.map((child, i) => (child.kind === "value" ? read[next++] : others[i]));
}

/** Reads and decodes many values with one call to the source. */
async function readValues(
  core: ArchiveCore,
  spans: readonly Span[],
  options?: ReadOptions,
): Promise<Value[]> {
  const read = await core.read(spans, options);
  return Promise.all(read.map(async (bytes, i) => (await core.decode(bytes, 1, spans[i]!.start))[0]));
}

/** Blocks of a list, cut into windows that are read at once: first and last block, `last` not included. */
export function* blockWindows(
  core: ArchiveCore,
  node: TocNode & { readonly kind: "blocked" },
): Generator<[number, number]> {
  const { bounds } = node.blocks;
  const blocks = bounds.length - 1;
  const most = Math.min(WINDOW_BYTES, core.shared.limits.maxValueBytes);
  for (let first = 0; first < blocks; ) {
    let last = first + 1;
    while (last < blocks && bounds[last + 1]! - bounds[first]! <= most) last++;
    yield [first, last];
    first = last;
  }
}

/** All items of some neighbouring blocks. */
export async function readBlocks(
  core: ArchiveCore,
  node: TocNode & { readonly kind: "blocked" },
  first: number,
  last: number,
  options?: ReadOptions,
): Promise<Value[]> {
  const { bounds, before } = node.blocks;
  const [bytes] = await core.read([{ start: bounds[first]!, end: bounds[last]! }], options);
  // Block by block, so that a block that does not hold what it counts is found out.
  const items: Value[] = [];
  for (let block = first; block < last; block++) {
    const piece = bytes!.subarray(bounds[block]! - bounds[first]!, bounds[block + 1]! - bounds[first]!);
    for (const item of await core.decode(piece, before[block + 1]! - before[block]!, bounds[block]!))
      items.push(item);
  }
  return items;
}
