import type { Value } from "@peekpack/core";
import type { ArchiveReader, BlockList, Cursor, NodeLocation } from "@peekpack/core/internal";

/** A node of the queried value. */
export interface Item {
  /** Its value, its encoding, or where it is in the archive. Loading an item replaces it by its value. */
  at: NodeLocation | EncodedValue | PlainValue;
  readonly step: Step | undefined;
  /** Which of the nodes that a filter tests this one was reached from. */
  readonly origin: number;
}

/** A value that was decoded. */
export interface PlainValue {
  readonly kind: "plain";
  readonly value: Value;
}

/** A value that was read and checked, and is not decoded: a filter often compares one of its members. */
export interface EncodedValue {
  readonly kind: "encoded";
  readonly archive: ArchiveReader;
  readonly cursor: Cursor;
  /** Position of the cursor's bytes in the data. */
  readonly base: number;
  /** Where the value is in the cursor's bytes. */
  readonly start: number;
  readonly end: number;
}

/** The last segment of a node's path, and the path of its parent. Undefined at the root. */
export interface Step {
  readonly parent: Step | undefined;
  readonly key: string | number;
}

/** The keys and indices from the root to a node. */
export function keysOf(step: Step | undefined): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at = step; at !== undefined; at = at.parent) keys.push(at.key);
  return keys.reverse();
}

/** Lists of blocks of at most this size are read whole, many at once. Longer ones are read in windows. */
const SMALL_LIST = 256 * 1024;
/** What a child archive counts: its size is not known before it is opened. */
const ARCHIVE_BYTES = 16 * 1024;
/** What a container without a span counts: a combined archive. */
const COMBINED_BYTES = 2 ** 20;

/**
 * About how many bytes are read to load an item.
 * @param whole whether the contents of containers are read as well
 */
export function estimatedBytes({ at }: Item, whole: boolean): number {
  if (at.kind !== "node") return 0;
  const { node } = at;
  if (node.kind === "archive") return ARCHIVE_BYTES;
  if (node.kind === "blocked") {
    if ("before" in node.blocks) return whole || isSmallList(node) ? listBytes(node)! : 0;
    return whole ? node.length * 9 : 0;
  }
  if (node.kind !== "value" && !whole) return 0;
  return node.span === undefined ? COMBINED_BYTES : node.span.end - node.span.start;
}

/** How many bytes the items of a list of blocks have, if the table has said it. */
function listBytes({ blocks }: BlockList): number | undefined {
  return "before" in blocks ? blocks.bounds.at(-1)! - blocks.bounds[0]! : undefined;
}

/** Whether a list of blocks is read whole. */
export function isSmallList(node: BlockList): boolean {
  return (listBytes(node) ?? Number.POSITIVE_INFINITY) <= SMALL_LIST;
}

/** Replaces where an item is by its value. */
export function setPlain(item: Item, value: Value): void {
  item.at = { kind: "plain", value };
}

/** Pieces of some items that are loaded at once: by count, and by bytes. */
export class Groups {
  #count = 256;
  #bytes = 512 * 1024;

  /** Whether so many items, of so many bytes, are a group. */
  isFull(count: number, bytes: number): boolean {
    return count >= this.#count || bytes >= this.#bytes;
  }

  /** Whether no group is complete yet. */
  isNew = true;

  /** The first groups are small, so that the first results come soon. Later ones are larger, so that round trips stay few. */
  grow(): void {
    this.isNew = false;
    this.#count = Math.min(16_384, this.#count * 2);
    this.#bytes = Math.min(4 * 1024 * 1024, this.#bytes * 2);
  }

  /** Divides items into groups. */
  *split<T extends Item>(items: readonly T[], whole: boolean, maxCount = 16_384): Generator<T[]> {
    let group: T[] = [];
    let bytes = 0;
    for (const item of items) {
      group.push(item);
      bytes += estimatedBytes(item, whole);
      if (group.length < maxCount && !this.isFull(group.length, bytes)) continue;
      yield group;
      this.grow();
      group = [];
      bytes = 0;
    }
    if (group.length > 0) yield group;
  }
}
