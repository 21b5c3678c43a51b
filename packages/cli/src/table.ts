/**
 * What the table of contents says of a container, without reading its values. It is no part of what core makes public:
 * whoever needs it here looks into it with the functions below, through the handles' way to their place, and nowhere else.
 */
import type { Archive, LazyList, LazyMap, Value } from "@peekpack/core";

/** A node of a table, and the archive that the table belongs to. */
export type TablePlace = Extract<ReturnType<Archive["~location"]>, { kind: "node" }>;
export type TableCore = TablePlace["core"];
export type TableNode = TablePlace["node"];
/** A node whose children have nodes of their own. */
export type TableBranch = Extract<TableNode, { kind: "map" | "list" }>;

/** Where an archive or a handle lies. */
export function placeInTable(handle: Archive | LazyMap | LazyList): TablePlace {
  return handle["~location"]() as TablePlace;
}

/** The children of a node. To be held while many are visited. */
export interface TableChildren {
  readonly size: number;
  /** @throws PeekpackError `corrupt` when there is no node */
  node(index: number): TableNode;
  /** Of a map the key, of a list the index. */
  key(index: number): Value;
  /** The bytes of a map's key as they stand in the table; undefined in a list. */
  keyBytes(index: number): Uint8Array | undefined;
}

/** The children of a node, in the order of the table. */
export function childrenOf(core: TableCore, node: TableBranch): TableChildren {
  const { toc } = core;
  const { size, keys, at } = toc.children(node);
  const keyBytes = (index: number): Uint8Array | undefined => {
    const place = keys?.[index];
    return place === undefined ? undefined : toc.bytes.subarray(place, toc.cursor.skip(place));
  };
  return {
    size,
    node: (index) => toc.node(at(index)),
    key: (index) => {
      const bytes = keyBytes(index);
      return bytes === undefined ? index : core.decodePlain(bytes);
    },
    keyBytes,
  };
}

/** How many items a container has; undefined where only its value could tell. */
export function itemCount({ toc }: TableCore, node: TableNode): number | undefined {
  if (node.kind === "blocked") return node.blocks.length;
  return node.kind === "map" || node.kind === "list" ? toc.size(node) : undefined;
}

/** How many bytes of the data a node covers; undefined where the table does not say it. */
export function nodeBytes(node: TableNode): number | undefined {
  if (node.kind === "archive") return undefined;
  if (node.kind === "blocked") return node.blocks.bounds.at(-1)! - node.blocks.bounds[0]!;
  return node.span === undefined ? undefined : node.span.end - node.span.start;
}

/** Positions of the archives that are children of a node, ascending, and the end of the data behind them. */
export function archiveOffsets({ toc, header }: TableCore, node: TableBranch): Float64Array {
  const { size, at } = toc.children(node);
  const offsets = new Float64Array(size + 1);
  let found = 0;
  for (let i = 0; i < size; i++) {
    const offset = toc.offset(at(i).place);
    if (offset !== undefined) offsets[found++] = offset;
  }
  offsets[found++] = header.tocStart;
  return offsets.subarray(0, found).sort();
}

/** How a map or a list begins. */
export interface ContainerHead {
  readonly kind: "map" | "list";
  /** Entries or items; −1 where the length is indefinite. */
  readonly count: number;
  /** Bytes that the head takes: at most 9. */
  readonly length: number;
}

/** The head at the start of some bytes that nothing is known of; undefined where no map or list begins. */
export function containerHead(core: TableCore, bytes: Uint8Array): ContainerHead | undefined {
  const type = bytes[0] ?? 0;
  const isContainer =
    core.header.protocol === "cbor"
      ? (type >> 5 === 4 || type >> 5 === 5) && ((type & 31) < 28 || (type & 31) === 31)
      : (type >= 0x80 && type < 0xa0) || (type >= 0xdc && type <= 0xdf);
  if (!isContainer) return undefined;
  // A cursor takes it that the bytes are all there.
  const padded = new Uint8Array(9);
  padded.set(bytes.subarray(0, padded.length));
  const item: Parameters<TableCore["toc"]["cursor"]["head"]>[1] = { kind: "other", value: 0 };
  const length = core.cursor(padded).head(0, item);
  return { kind: item.kind === "map" ? "map" : "list", count: item.value, length };
}

/** Whether a node is the root of its archive. */
export function isRoot({ core, node }: TablePlace): boolean {
  const root = core.toc.root();
  if (node.kind === "blocked") {
    return root.kind === "blocked" && root.blocks.bounds[0] === node.blocks.bounds[0];
  }
  return (
    root.kind === node.kind && "children" in root && "children" in node && root.children === node.children
  );
}
