import type { Branch } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveReader } from "./archive-reader.js";
import { readBlocks } from "./entries.js";
import { nodeOf } from "./entry.js";
import { type Location, rootOf } from "./lookup.js";
import type { ResultBudget } from "./result-budget.js";

/** About so many bytes of a list of blocks are decoded before other work may run. */
const PIECE_BYTES = 64 * 1024;

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
