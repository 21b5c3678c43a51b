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
/** A container of this size, and a gap of this size, is read with its neighbors: the request scheduler does so as well. */
const SMALL_CONTAINER = 4096;
/** From so many containers on, reading them whole is worth it. */
const MANY = 16;
/** How many values are decoded at once, and how many bytes. */
const MAX_ROW = 256;
const MAX_ROW_BYTES = 256 * 1024;
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
  if (items.every(({ at }) => at.kind === "plain")) return;
  await openArchives(items, run);
  const wanted = new Map<ArchiveReader, Wanted[]>();
  for (const item of items) {
    if (item.at.kind === "plain") continue;
    const { archive, node } = item.at;
    if (node.kind === "value") {
      wantedOf(archive, wanted).push({ item, ...node.span, count: undefined });
    } else if (lists && node.kind === "blocked" && isSmallList(node) && "before" in node.blocks) {
      const { bounds } = node.blocks;
      wantedOf(archive, wanted).push({ item, start: bounds[0]!, end: bounds.at(-1)!, count: node.length });
    }
  }
  await Promise.all([...wanted].map(([archive, some]) => readValues(archive, some, run)));
}

/**
 * Does what {@link load} does for items whose members are compared. Small containers that follow one another are read
 * whole: the requests for their members would be coalesced to about the same bytes, and decoding them in one go takes a
 * fraction of the time. A container that cannot be decoded stays as it is. So do all if the bytes of the run are bounded.
 */
export async function loadSmall(items: readonly Item[], run: Run): Promise<void> {
  if (run.boundsBytes || items.length < MANY) return load(items, run);
  await openArchives(items, run);
  const wanted = new Map<ArchiveReader, Wanted[]>();
  for (const item of items) {
    if (item.at.kind === "plain") continue;
    const { archive, node } = item.at;
    if ((node.kind === "map" || node.kind === "list") && node.span !== undefined && isSmall(node.span)) {
      wantedOf(archive, wanted).push({ item, ...node.span, count: undefined });
    }
  }
  const dense = [...wanted].filter(([, some]) => isDense(some));
  await Promise.all(dense.map(([archive, some]) => readValues(archive, some, run)));
  await load(items, run);
}

interface Wanted {
  readonly item: Item;
  readonly start: number;
  readonly end: number;
  /** How many items of a list the span holds. Undefined if it is one value. */
  readonly count: number | undefined;
}

function wantedOf(archive: ArchiveReader, wanted: Map<ArchiveReader, Wanted[]>): Wanted[] {
  let some = wanted.get(archive);
  if (some === undefined) {
    some = [];
    wanted.set(archive, some);
  }
  return some;
}

function isSmall({ start, end }: { readonly start: number; readonly end: number }): boolean {
  return end - start <= SMALL_CONTAINER;
}

/** Whether many spans follow one another, with gaps that a request would read as well. */
function isDense(wanted: readonly Wanted[]): boolean {
  if (wanted.length < MANY) return false;
  for (let i = 1; i < wanted.length; i++) {
    const gap = wanted[i]!.start - wanted[i - 1]!.end;
    if (gap < 0 || gap > SMALL_CONTAINER) return false;
  }
  return true;
}

/** Reads values in one plan. Each is bounded by the reader's limits, and together they are about as large as a group. */
async function readValues(archive: ArchiveReader, wanted: readonly Wanted[], run: Run): Promise<void> {
  if (wanted.length === 0) return;
  for (const { start, end } of wanted) run.take(end - start);
  const rows = adjacent(wanted, archive.context.limits.maxValueBytes);
  const read = await archive.read(
    rows.map((row) => ({ start: row[0]!.start, end: row.at(-1)!.end })),
    run.reading,
  );
  for (const [i, row] of rows.entries()) {
    await decodeRow(archive, row, read[i]!);
    await run.step();
  }
}

/** Values that follow one another without a gap, in rows that are decoded at once. */
function adjacent(wanted: readonly Wanted[], maxBytes: number): Wanted[][] {
  const rows: Wanted[][] = [];
  let row: Wanted[] = [];
  for (const one of wanted) {
    const last = row.at(-1);
    const follows =
      last !== undefined &&
      last.end === one.start &&
      last.count === undefined &&
      one.count === undefined &&
      row.length < MAX_ROW &&
      one.end - row[0]!.start <= Math.min(maxBytes, MAX_ROW_BYTES);
    if (follows) {
      row.push(one);
      continue;
    }
    row = [one];
    rows.push(row);
  }
  return rows;
}

async function decodeRow(archive: ArchiveReader, row: readonly Wanted[], bytes: Uint8Array): Promise<void> {
  const { start } = row[0]!;
  if (row.length > 1) {
    const values = await archive.decode(bytes, row.length, start).catch(() => undefined);
    if (values !== undefined) {
      for (const [i, { item }] of row.entries()) setPlain(item, values[i]);
      return;
    }
    // One of them is damaged, or all together exceed a limit: each for itself says which.
  }
  for (const { item, start: from, end, count } of row) {
    try {
      const values = await archive.decode(bytes.subarray(from - start, end - start), count ?? 1, from);
      setPlain(item, count === undefined ? values[0] : values);
    } catch (error) {
      if (item.at.kind === "node" && (item.at.node.kind === "map" || item.at.node.kind === "list")) continue;
      throw error;
    }
  }
}

/** Replaces where an item is by its value. */
export function setPlain(item: Item, value: Value): void {
  item.at = { kind: "plain", value };
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
