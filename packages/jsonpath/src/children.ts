import { slice, type Value } from "@peekpack/core";
import {
  type BlockList,
  type Branch,
  blockItems,
  blockOf,
  isNdArray,
  isRecord,
  type NodeLocation,
  nodeOf,
  resolveListSegment,
  type TableNode,
} from "@peekpack/core/internal";
import { itemsOf, member, NOTHING } from "./comparison.js";
import { encodedMember } from "./encoded.js";
import type { Item } from "./item.js";
import { listWindows } from "./loading.js";
import type { Run } from "./run.js";
import type { Selector, SingularSelector } from "./syntax.js";

/** Children that are produced at once. */
const WINDOW = 1024;

/** Whether a selector selects at most one child. */
export function isSingular(selector: Selector): selector is SingularSelector {
  return selector.kind === "name" || selector.kind === "index";
}

/**
 * The child under a name or an index of an item that was loaded. For a name, it may be encoded. A promise only if something
 * must be fetched.
 */
export function child(
  item: Item,
  selector: SingularSelector,
  run: Run,
): Item | undefined | Promise<Item | undefined> {
  run.visit(1);
  const { at } = item;
  if (at.kind === "plain") return plainChild(item, at.value, selector);
  if (at.kind === "encoded") {
    if (selector.kind !== "name") return undefined;
    const found = encodedMember(at, selector);
    return found && below(item, selector.name, found);
  }
  const { archive, node } = at;
  if (selector.kind === "name") {
    if (node.kind !== "map") return undefined;
    const found = archive.table.find(node, selector.name, run.reading, run.exact);
    const itemOf = (inner: TableNode | undefined): Item | undefined =>
      inner && nodeBelow(item, selector.name, inner);
    return found instanceof Promise ? found.then(itemOf) : itemOf(found);
  }
  const length = lengthOfList(node);
  if (length === undefined) return undefined;
  const index = indexIn(length, selector.index);
  if (index === undefined) return undefined;
  if (node.kind === "blocked") return blocked(item, node, [index], run).then(([only]) => only);
  const found = archive.table.item(node as Branch, index, run.reading);
  return found instanceof Promise
    ? found.then((inner) => nodeBelow(item, index, inner))
    : nodeBelow(item, index, found);
}

function plainChild(item: Item, value: Value, selector: SingularSelector): Item | undefined {
  if (selector.kind === "name") {
    const found = member(value, selector.name);
    return found === NOTHING ? undefined : plainBelow(item, selector.name, found);
  }
  const items = itemsOf(value);
  const index = items && indexIn(items.length, selector.index);
  return index === undefined ? undefined : plainBelow(item, index, items![index]);
}

/** An index, which counts from the end if it is negative. Undefined if it is out of range. */
function indexIn(length: number, index: number): number | undefined {
  const counted = index < 0 ? index + length : index;
  return counted >= 0 && counted < length ? counted : undefined;
}

/** All children of an item that was loaded, some at a time. Members whose key is not a text are passed over. */
export async function* children(item: Item, run: Run): AsyncGenerator<Item[]> {
  const { at } = item;
  if (at.kind === "plain") {
    yield* counted(plainChildren(item, at.value), run);
    return;
  }
  if (at.kind === "encoded") return;
  const { archive, node } = at;
  if (node.kind === "blocked") {
    let index = 0;
    for await (const window of listWindows(archive, node, run)) {
      run.visit(window.length);
      yield window.map((value) => plainBelow(item, index++, value));
    }
  } else if (node.kind === "list" || node.kind === "map") {
    yield* branchChildren(item, node, 0, node.count, run);
  }
}

async function* branchChildren(
  item: Item,
  node: Branch,
  start: number,
  end: number,
  run: Run,
): AsyncGenerator<Item[]> {
  if (item.at.kind !== "node") return;
  const { table } = item.at.archive;
  for await (const window of table.walk(node, { start, end, depth: run.depth }, run.reading)) {
    run.visit(window.length);
    const found: Item[] = [];
    for (const entry of window) {
      const key = table.key(entry);
      if (typeof key === "string" || node.kind === "list") {
        found.push(nodeBelow(item, key as string | number, nodeOf(entry)));
      }
    }
    yield found;
  }
}

/** The items of a list that a slice selects, some at a time. */
export async function* sliced(
  item: Item,
  { start, stop, step = 1 }: Extract<Selector, { kind: "slice" }>,
  run: Run,
): AsyncGenerator<Item[]> {
  if (step === 0) return;
  const { at } = item;
  if (at.kind === "encoded") return;
  const items = at.kind === "plain" ? itemsOf(at.value) : undefined;
  const length = items?.length ?? (at.kind === "plain" ? undefined : lengthOfList(at.node));
  if (length === undefined) return;
  const selection = resolveListSegment(slice(start, stop, step), length);
  if (selection.kind === "index") return;
  const { start: first, count } = selection;
  if (at.kind === "node" && at.node.kind === "list" && step === 1) {
    yield* branchChildren(item, at.node, first, first + count, run);
    return;
  }
  for (let from = 0; from < count; from += WINDOW) {
    const indices = Array.from(
      { length: Math.min(WINDOW, count - from) },
      (_, i) => first + (from + i) * selection.step,
    );
    run.visit(indices.length);
    await run.step();
    if (at.kind === "plain") yield indices.map((index) => plainBelow(item, index, items![index]));
    else if (at.node.kind === "blocked") yield blocked(item, at.node, indices, run);
    else {
      const nodes = await at.archive.table.items(at.node as Branch, indices, run.reading);
      yield nodes.map((node, i) => nodeBelow(item, indices[i]!, node));
    }
  }
}

/** The containers in a value and the value itself, each before what it contains. Without recursion: values nest deep. */
export function* containersIn(item: Item, value: Value): Generator<Item> {
  if (!isContainer(value)) return;
  const stack: Iterator<Item>[] = [];
  yield item;
  stack.push(plainChildren(item, value));
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { value: inner, done } = top.next();
    if (done) {
      stack.pop();
      continue;
    }
    const { at } = inner as Item;
    if (at.kind !== "plain" || !isContainer(at.value)) continue;
    yield inner as Item;
    stack.push(plainChildren(inner as Item, at.value));
  }
}

function isContainer(value: Value): boolean {
  return Array.isArray(value) || value instanceof Map || isRecord(value) || isNdArray(value);
}

function* plainChildren(item: Item, value: Value): Generator<Item> {
  const items = itemsOf(value);
  if (items !== undefined) {
    for (const [index, inner] of items.entries()) yield plainBelow(item, index, inner);
  } else if (value instanceof Map) {
    for (const [key, inner] of value) if (typeof key === "string") yield plainBelow(item, key, inner);
  } else if (isRecord(value)) {
    for (const key of Object.keys(value)) yield plainBelow(item, key, value[key]);
  }
}

/** Items in windows, each counted before it is handed on. */
export async function* counted(items: Iterable<Item>, run: Run): AsyncGenerator<Item[]> {
  let window: Item[] = [];
  for (const item of items) {
    if (window.push(item) < WINDOW) continue;
    run.visit(window.length);
    yield window;
    await run.step();
    window = [];
  }
  run.visit(window.length);
  if (window.length > 0) yield window;
}

/** How many items a node has, if it is a list. */
export function lengthOfList(node: TableNode): number | undefined {
  if (node.kind === "list") return node.count;
  return node.kind === "blocked" ? node.length : undefined;
}

/** Items of a list of blocks. */
async function blocked(item: Item, node: BlockList, indices: readonly number[], run: Run): Promise<Item[]> {
  if (item.at.kind !== "node" || indices.length === 0) return [];
  const { archive } = item.at;
  const low = indices.reduce((a, b) => Math.min(a, b));
  const high = indices.reduce((a, b) => Math.max(a, b));
  const { bounds, before } = await archive.table.blocks(node, low, high + 1, run.reading);
  for (const block of new Set(indices.map((index) => blockOf(before, index)))) {
    run.take(bounds[block + 1]! - bounds[block]!);
  }
  const values = await blockItems(archive, node, indices, run.reading);
  return values.map((value, i) => plainBelow(item, indices[i]!, value));
}

function below({ step, origin }: Item, key: string | number, at: Item["at"]): Item {
  return { at, step: { parent: step, key }, origin };
}

function plainBelow(item: Item, key: string | number, value: Value): Item {
  return below(item, key, { kind: "plain", value });
}

function nodeBelow(item: Item, key: string | number, node: TableNode): Item {
  const { archive } = item.at as NodeLocation;
  return below(item, key, { kind: "node", archive, node });
}
