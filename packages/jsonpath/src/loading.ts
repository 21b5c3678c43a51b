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
  type Span,
  type TableNode,
} from "@peekpack/core/internal";
import { decode, MAX_ROW, MAX_ROW_BYTES } from "./encoded.js";
import { estimatedBytes, type Item, isSmallList, type PlainValue, setPlain } from "./item.js";
import type { Run } from "./run.js";

/** A container of this size, and a gap of this size, is read with its neighbors: the request scheduler does so as well. */
const SMALL_CONTAINER = 4096;
/** From so many containers on, reading them whole is worth it. */
const MANY = 16;

/**
 * Opens the child archives among some items, reads those that are values, and decodes those that are encoded. All are
 * read in one plan. Containers with nodes of their own stay as they are.
 * @param lists whether small lists of blocks are read as well
 */
export async function load(items: readonly Item[], run: Run, lists = false): Promise<void> {
  await fetchValues(items, run, lists);
  await decode(items, run);
}

/** Does what {@link load} does, except that encoded items stay encoded. */
export async function fetchValues(items: readonly Item[], run: Run, lists = false): Promise<void> {
  if (items.every(({ at }) => at.kind !== "node")) return;
  await openArchives(items, run);
  const wanted = new Map<ArchiveReader, Wanted[]>();
  for (const item of items) {
    if (item.at.kind !== "node") continue;
    const { archive, node } = item.at;
    if (node.kind === "value") {
      const { start, end } = node.span;
      entryOf(wanted, archive).push({ item, start, end, count: undefined });
    } else if (lists && node.kind === "blocked" && isSmallList(node) && "before" in node.blocks) {
      const { bounds } = node.blocks;
      entryOf(wanted, archive).push({ item, start: bounds[0]!, end: bounds.at(-1)!, count: node.length });
    }
  }
  await readAll(wanted, run, decodeRow);
}

/**
 * Reads items whose members are compared. Small containers and values that follow one another are read whole, and stay
 * encoded: the requests for their members would be coalesced to about the same bytes. A container that is damaged stays as
 * it is. So do all if the bytes of the run are bounded, or if they do not follow one another.
 */
export async function readSmall(items: readonly Item[], run: Run): Promise<void> {
  if (run.boundsBytes || items.length < MANY) return;
  await openArchives(items, run);
  const small = new Map<ArchiveReader, Wanted[]>();
  for (const item of items) {
    const span = smallSpan(item);
    if (span === undefined) continue;
    const { start, end } = span;
    entryOf(small, (item.at as NodeLocation).archive).push({ item, start, end, count: undefined });
  }
  for (const [archive, some] of small) if (!isDense(some)) small.delete(archive);
  await readAll(small, run, checkRow);
}

/** How many bytes an item counts for {@link readSmall}. */
export function smallBytes(item: Item): number {
  const span = smallSpan(item);
  return span === undefined ? estimatedBytes(item, false) : span.end - span.start;
}

/** Where an item is, if it is a value or a small container. */
function smallSpan({ at }: Item): Span | undefined {
  if (at.kind !== "node") return undefined;
  const { node } = at;
  if (node.kind === "value") return node.span;
  if ((node.kind !== "map" && node.kind !== "list") || node.span === undefined) return undefined;
  return node.span.end - node.span.start <= SMALL_CONTAINER ? node.span : undefined;
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

/** Checks the values of a row, which stay encoded. */
function checkRow(archive: ArchiveReader, { wanted: row, bytes }: Row): void {
  const cursor = archive.cursor(bytes);
  const base = row[0]!.start;
  const encode = ({ item, start, end }: Wanted): void => {
    item.at = { kind: "encoded", archive, cursor, base, start: start - base, end: end - base };
  };
  try {
    archive.check(bytes, row.length, base);
    for (const one of row) encode(one);
    return;
  } catch {
    // One of them is damaged, or all together exceed a limit: each for itself says which.
  }
  for (const one of row) {
    const { item, start, end } = one;
    try {
      archive.check(bytes.subarray(start - base, end - base), 1, start);
      encode(one);
    } catch (error) {
      if ((item.at as NodeLocation).node.kind === "value") throw error;
    }
  }
}

interface Wanted {
  readonly item: Item;
  readonly start: number;
  readonly end: number;
  /** How many items of a list the span holds. Undefined if it is one value. */
  readonly count: number | undefined;
}

/** The list under a key, which is added if there is none. */
export function entryOf<K, T>(lists: Map<K, T[]>, key: K): T[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

/** Values that are decoded at once, and their bytes. */
interface Row {
  readonly wanted: readonly Wanted[];
  readonly bytes: Uint8Array;
}

/** Reads values in one plan. Each is bounded by the reader's limits, and together they are about as large as a group. */
async function readAll(
  wanted: ReadonlyMap<ArchiveReader, readonly Wanted[]>,
  run: Run,
  use: (archive: ArchiveReader, row: Row) => void | Promise<void>,
): Promise<void> {
  await Promise.all(
    [...wanted].map(async ([archive, some]) => {
      for (const { start, end } of some) run.take(end - start);
      const rows = adjacent(some, archive.context.limits.maxValueBytes);
      const read = await archive.read(
        rows.map((row) => ({ start: row[0]!.start, end: row.at(-1)!.end })),
        run.reading,
      );
      for (const [i, row] of rows.entries()) {
        await use(archive, { wanted: row, bytes: read[i]! });
        await run.step();
      }
    }),
  );
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

async function decodeRow(archive: ArchiveReader, { wanted: row, bytes }: Row): Promise<void> {
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
    const values = await archive.decode(bytes.subarray(from - start, end - start), count ?? 1, from);
    setPlain(item, count === undefined ? values[0] : values);
  }
}

/** Replaces child archives by their roots. All are opened at once. Large nodes are checked meanwhile. */
export async function openArchives(items: readonly Item[], run: Run): Promise<void> {
  const open = async (item: Item): Promise<void> => {
    for (;;) {
      if (item.at.kind !== "node") return;
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
    if (item.at.kind !== "node") continue;
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
    run.depth,
  );
}

/** Everything at an item, as plain data. Child archives were opened. */
export async function readValue(item: Item, budget: ResultBudget, run: Run): Promise<Value> {
  await decode([item], run);
  const { at } = item;
  if (at.kind !== "node") return (at as PlainValue).value;
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
