import { TimeSlice } from "../event-loop.js";
import type { Branch } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveReader } from "./archive-reader.js";
import { readBlocks } from "./blocks.js";
import { nodeOf } from "./entry.js";
import { type Location, lookUp, rootOf } from "./lookup.js";
import { type Path, parsePath } from "./path.js";
import type { ResultBudget } from "./result-budget.js";

/** About so many bytes of a list of blocks are decoded before other work may run. */
const PIECE_BYTES = 64 * 1024;
/** After so many paths other work may run. */
const STEP = 1024;

/**
 * Everything at a location, as plain data that nothing else refers to.
 *
 * A container with a span of its own is read in one piece and decoded at once. Only combined archives are put together
 * from their children, all of them at the same time.
 * @throws PeekpackError `limit` if the result exceeds the budget; `corrupt` if values or archives overlap
 */
export async function materialize(at: Location, budget: ResultBudget, options?: ReadOptions): Promise<Value> {
  if (at.kind === "plain") return at.value;
  if (at.kind === "many") return Promise.all(at.items.map((item) => materialize(item, budget, options)));
  const { archive, node } = at;
  if (node.kind === "archive") {
    const child = await archive.child(node, options);
    budget.walked.take(archive, child.size);
    return materialize(rootOf(child), budget, options);
  }
  if (node.kind === "blocked") {
    const values: Value[] = [];
    for await (const blocks of archive.table.walkBlocks(node, options)) {
      const window = { blocks, first: 0, last: blocks.bounds.length - 1 };
      await readBlocks(archive, window, budget, options, PIECE_BYTES, values);
    }
    return values;
  }
  if (node.span === undefined) return combined(archive, node as Branch, budget, options);
  budget.takeData(archive, node.span.end - node.span.start);
  return archive.value(node.span, options, budget);
}

/** Everything at each of many paths, as plain data. One budget bounds all of them. */
export async function valuesAt(
  archive: ArchiveReader,
  paths: readonly Path[],
  options?: ReadOptions,
): Promise<Value[]> {
  const budget = archive.budget();
  const slice = new TimeSlice();
  const values: Promise<Value>[] = [];
  for (const path of paths) {
    const value = lookUp(archive, parsePath(path), options, (at) =>
      materialize(at, budget.another(), options),
    );
    // A failure is reported when all have begun.
    value.catch(() => {});
    if (values.push(value) % STEP > 0) continue;
    // The requests of fewer paths are planned at once. Local reads are no requests: more of them only wait for each other.
    if (archive.context.source.local) await Promise.all(values.slice(-STEP));
    await slice.next(options?.signal);
  }
  return Promise.all(values);
}

async function combined(
  archive: ArchiveReader,
  node: Branch,
  budget: ResultBudget,
  options?: ReadOptions,
): Promise<Value> {
  const { table } = archive;
  const keys: Value[] = [];
  const children: Location[] = [];
  // All nodes are decoded before the first is read: if one is damaged, no other read is left under way.
  for await (const window of table.walk(node, {}, options)) {
    for (const entry of window) {
      children.push({ kind: "node", archive, node: nodeOf(entry) });
      if (node.kind === "map") keys.push(table.key(entry));
    }
  }
  const values = await Promise.all(children.map((child) => materialize(child, budget, options)));
  if (node.kind === "list") return values;
  const entries = keys.map((key, i) => [key, values[i]] as const);
  const isRecord = archive.context.maps === "object" && keys.every((key) => typeof key === "string");
  return isRecord ? Object.fromEntries(entries) : new Map(entries);
}
