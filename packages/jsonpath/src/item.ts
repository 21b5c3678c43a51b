import type { Value } from "@peekpack/core";
import {
  type ArchiveReader,
  type BlockList,
  blockWindows,
  materialize,
  type NodeLocation,
  type ResultBudget,
  readAhead,
  readBlocks,
  rootOf,
  type TableNode,
} from "@peekpack/core/internal";
import type { Run } from "./run.js";

/** A node of the queried value. */
export interface Item {
  /** Its value, or where it is in the archive. Loading an item replaces the one by the other. */
  at: NodeLocation | { readonly kind: "plain"; readonly value: Value };
  readonly step: Step | undefined;
  /** Which of the nodes that a filter tests this one was reached from. */
  readonly origin: number;
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
  if (at.kind === "plain") return 0;
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

function isSmallList(node: BlockList): boolean {
  return (listBytes(node) ?? Number.POSITIVE_INFINITY) <= SMALL_LIST;
}

/**
 * Opens the child archives among some items, and reads those that are values. All are read in one plan. Containers with
 * nodes of their own stay as they are.
 * @param lists whether small lists of blocks are read as well
 */
export async function load(items: readonly Item[], run: Run, lists = false): Promise<void> {
  await openArchives(items, run);
  const wanted = new Map<ArchiveReader, Wanted[]>();
  for (const item of items) {
    if (item.at.kind === "plain") continue;
    const { archive, node } = item.at;
    let some = wanted.get(archive);
    if (some === undefined) {
      some = [];
      wanted.set(archive, some);
    }
    if (node.kind === "value") {
      const { start, end } = node.span;
      some.push({ item, start, end, count: undefined });
    } else if (lists && node.kind === "blocked" && isSmallList(node) && "before" in node.blocks) {
      const { bounds } = node.blocks;
      some.push({ item, start: bounds[0]!, end: bounds.at(-1)!, count: node.length });
    }
  }
  await Promise.all([...wanted].map(([archive, some]) => readValues(archive, some, run)));
}

interface Wanted {
  readonly item: Item;
  readonly start: number;
  readonly end: number;
  /** How many items of a list the span holds. Undefined if it is one value. */
  readonly count: number | undefined;
}

/** Reads values in one plan. Each is bounded by the reader's limits, and together they are about as large as a group. */
async function readValues(archive: ArchiveReader, wanted: readonly Wanted[], run: Run): Promise<void> {
  if (wanted.length === 0) return;
  for (const { start, end } of wanted) run.take(end - start);
  const read = await archive.read(wanted, run.reading);
  const decoded = await Promise.all(
    wanted.map(({ start, count }, i) => archive.decode(read[i]!, count ?? 1, start)),
  );
  for (const [i, { item, count }] of wanted.entries()) {
    const values = decoded[i]!;
    item.at = { kind: "plain", value: count === undefined ? values[0] : values };
  }
}

/** Replaces child archives by their roots. All are opened at once. Large nodes are checked meanwhile. */
export async function openArchives(items: readonly Item[], run: Run): Promise<void> {
  const open = async (item: Item): Promise<void> => {
    for (;;) {
      if (item.at.kind === "plain") return;
      const { archive, node } = item.at;
      if (node.kind !== "archive") {
        if (isLarge(node)) run.check(node);
        return;
      }
      item.at = rootOf(await archive.child(node, run.reading));
    }
  };
  const opening: Promise<void>[] = [];
  for (const item of items) {
    if (item.at.kind === "plain") continue;
    if (item.at.node.kind === "archive") opening.push(open(item));
    else if (isLarge(item.at.node)) run.check(item.at.node);
  }
  await Promise.all(opening);
}

/** Whether a node's entries are fetched through the page index. */
function isLarge(node: TableNode): boolean {
  if (node.kind === "blocked") return !("before" in node.blocks);
  return (node.kind === "map" || node.kind === "list") && !("view" in node.entries);
}

/** The items of a list of blocks, as they are read, some at a time. */
export function listWindows(
  archive: ArchiveReader,
  node: BlockList,
  run: Run,
  budget?: ResultBudget,
): AsyncGenerator<Value[]> {
  return readAhead(
    blockWindows(archive, node, run.reading),
    async (window) => {
      const { bounds } = window.blocks;
      run.take(bounds[window.last]! - bounds[window.first]!);
      return [await readBlocks(archive, window, budget ?? archive.budget(), run.reading)];
    },
    undefined,
  );
}

/** Everything at an item that was loaded, as plain data. */
export async function readValue({ at }: Item, budget: ResultBudget, run: Run): Promise<Value> {
  if (at.kind === "plain") return at.value;
  const { archive, node } = at;
  if (node.kind === "blocked") {
    const values: Value[] = [];
    for await (const window of listWindows(archive, node, run, budget.another())) {
      for (const value of window) values.push(value);
    }
    return values;
  }
  if (node.kind !== "archive") {
    run.take(node.span === undefined ? archive.header.tocStart : node.span.end - node.span.start);
  }
  // Results may contain each other: each is a walk of its own.
  return materialize(at, budget.another(), run.reading);
}

/** Pieces of some items that are loaded at once: by count, and by bytes. */
export class Groups {
  #count = 256;
  #bytes = 2 * 1024 * 1024;

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
    this.#bytes = Math.min(16 * 1024 * 1024, this.#bytes * 2);
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
