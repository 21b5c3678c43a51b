import { type Branch, ResultBudget } from "@peekpack/core/internal";
import { child, isSingular, lengthOfList } from "./children.js";
import { CONTAINER, type Comparable, compares, itemsOf, membersOf, NOTHING } from "./comparison.js";
import { decode } from "./encoded.js";
import { estimatedBytes, Groups, type Item, setPlain } from "./item.js";
import { load, readValue } from "./loading.js";
import type { Run } from "./run.js";
import type { Operand, Query, SingularSelector, Test } from "./syntax.js";

/** Evaluates a query from some nodes. Each result's `origin` is the index of the node that it was reached from. */
export type Nodes = (query: Query, from: readonly Item[], run: Run) => AsyncIterable<Item[]>;

/** What an operand gives for a node: a value, or one that has yet to be read. */
type Operation = { readonly known: Comparable } | { readonly item: Item; readonly length: boolean };

/**
 * Tests many nodes at once, so that what they compare is read in one plan.
 * @returns for each node whether the test is true
 */
export async function testAll(
  test: Test,
  items: readonly Item[],
  run: Run,
  nodes: Nodes,
): Promise<boolean[]> {
  switch (test.kind) {
    case "not":
      return (await testAll(test.test, items, run, nodes)).map((verdict) => !verdict);
    case "and":
    case "or": {
      // A later test is evaluated only where the earlier ones leave the result open.
      const decisive = test.kind === "or";
      const verdicts = items.map(() => !decisive);
      let open = items.map((_, i) => i);
      for (const term of test.tests) {
        const some = await testAll(
          term,
          open.map((i) => items[i]!),
          run,
          nodes,
        );
        for (const [k, i] of open.entries()) if (some[k] === decisive) verdicts[i] = decisive;
        open = open.filter((_, k) => some[k] !== decisive);
        if (open.length === 0) break;
      }
      return verdicts;
    }
    case "exists":
      return exists(test.query, items, run, nodes);
    case "compare": {
      const { operator, left, right } = test;
      // Only two containers can be equal: what is compared with a number or a text is not read if it is a container.
      const deep = operator !== "<" && operator !== ">" && left.kind === "value" && right.kind === "value";
      return pairwise(left, right, deep, items, run, nodes, (a, b) => compares(a, operator, b));
    }
    default:
      return pairwise(test.text, test.pattern, false, items, run, nodes, async (text, pattern) => {
        if (typeof text !== "string" || typeof pattern !== "string") return false;
        const matcher = await run.matcher(pattern, test.kind === "match");
        return matcher?.(text) ?? false;
      });
  }
}

async function exists(query: Query, items: readonly Item[], run: Run, nodes: Nodes): Promise<boolean[]> {
  if (query.absolute) {
    const found = await constant(query, run, async () => {
      for await (const batch of nodes(query, [], run)) if (batch.length > 0) return true;
      return false;
    });
    return items.map(() => found);
  }
  if (query.segments.length === 0) return items.map(() => true);
  const found = items.map(() => false);
  for await (const batch of nodes(query, items, run)) for (const { origin } of batch) found[origin] = true;
  return found;
}

/** Evaluates two operands for some nodes, and relates their values. They are read in groups, by their size. */
async function pairwise(
  left: Operand,
  right: Operand,
  deep: boolean,
  items: readonly Item[],
  run: Run,
  nodes: Nodes,
  relate: (left: Comparable, right: Comparable) => boolean | Promise<boolean>,
): Promise<boolean[]> {
  const [lefts, rights] = await Promise.all([
    operations(left, items, run, nodes),
    operations(right, items, run, nodes),
  ]);
  const verdicts: boolean[] = [];
  const groups = new Groups();
  for (let from = 0; from < items.length; ) {
    let to = from;
    let bytes = 0;
    do {
      bytes += operationBytes(lefts[to]!, deep) + operationBytes(rights[to]!, deep);
      to++;
    } while (to < items.length && !groups.isFull(0, bytes));
    groups.grow();
    const some = [...lefts.slice(from, to), ...rights.slice(from, to)];
    const values = await results(some, deep, run);
    for (let i = 0; i < to - from; i++) {
      const verdict = relate(values[i], values[i + to - from]);
      verdicts.push(verdict instanceof Promise ? await verdict : verdict);
      if (i % 256 === 255) await run.step();
    }
    from = to;
  }
  return verdicts;
}

function operationBytes(operation: Operation, deep: boolean): number {
  return "known" in operation ? 0 : estimatedBytes(operation.item, deep && !operation.length);
}

/** What an operand gives for each of some nodes. */
async function operations(
  operand: Operand,
  items: readonly Item[],
  run: Run,
  nodes: Nodes,
): Promise<Operation[]> {
  switch (operand.kind) {
    case "literal": {
      const literal = { known: operand.value };
      return items.map(() => literal);
    }
    case "length":
      return (await operations(operand.of, items, run, nodes)).map((of) => {
        if ("known" in of) return { known: lengthOf(of.known) };
        // The length of a length is nothing.
        return of.length ? { known: NOTHING } : { item: of.item, length: true };
      });
    case "count": {
      if (operand.query.absolute) {
        const count = await constant(operand, run, async () => {
          let total = 0;
          for await (const batch of nodes(operand.query, [], run)) total += batch.length;
          return total;
        });
        return items.map(() => ({ known: count }));
      }
      const counts = items.map(() => 0);
      for await (const batch of nodes(operand.query, items, run)) {
        for (const { origin } of batch) counts[origin]!++;
      }
      return counts.map((count) => ({ known: count }));
    }
    case "value": {
      const { query } = operand;
      if (query.absolute) {
        const [only] = await constant(operand, run, () => single(query, [undefined], run, nodes));
        return items.map(() => only!);
      }
      return (await valuesRead(query, items, run)) ?? single(query, items, run, nodes);
    }
  }
}

/**
 * What names and indices select in values that were read, many at once. Undefined if the query has others, or a node was
 * not read.
 */
async function valuesRead(query: Query, items: readonly Item[], run: Run): Promise<Operation[] | undefined> {
  const selectors = singularSelectors(query);
  if (selectors === undefined) return undefined;
  const values: Operation[] = [];
  const encoded: Item[] = [];
  for (const item of items) {
    if (item.at.kind === "node") return undefined;
    let found: Item | undefined = item;
    for (const selector of selectors) {
      found = child(found, selector, run) as Item | undefined;
      if (found === undefined) break;
    }
    if (found?.at.kind === "encoded") encoded.push(found);
    values.push(found === undefined ? { known: NOTHING } : { item: found, length: false });
    if (values.length % 256 === 0) await run.step();
  }
  await decode(encoded, run);
  return values;
}

/** The only selectors of a query's segments, if each selects at most one child. */
function singularSelectors({ segments }: Query): readonly SingularSelector[] | undefined {
  const selectors: SingularSelector[] = [];
  for (const { descendant, selectors: some } of segments) {
    const [only] = some;
    if (descendant || some.length !== 1 || !isSingular(only!)) return undefined;
    selectors.push(only);
  }
  return selectors;
}

/** The only node that a query selects from each of some nodes, or nothing. */
async function single(
  query: Query,
  from: readonly (Item | undefined)[],
  run: Run,
  nodes: Nodes,
): Promise<Operation[]> {
  const counts = from.map(() => 0);
  const firsts: Item[] = [];
  for await (const batch of nodes(query, query.absolute ? [] : (from as Item[]), run)) {
    for (const item of batch) if (counts[item.origin]!++ === 0) firsts[item.origin] = item;
  }
  return counts.map((count, i) => (count === 1 ? { item: firsts[i]!, length: false } : { known: NOTHING }));
}

/** The values of operations. Those that are not known are read in one plan, each once. */
async function results(some: readonly Operation[], deep: boolean, run: Run): Promise<Comparable[]> {
  if (some.every((operation) => "known" in operation || operation.item.at.kind === "plain")) {
    return some.map(knownValue);
  }
  const items = new Set<Item>();
  const measured = new Set<Item>();
  for (const operation of some) {
    if ("known" in operation) continue;
    items.add(operation.item);
    if (operation.length) measured.add(operation.item);
  }
  await load([...items], run, deep);
  const lengths = new Map<Item, number | typeof NOTHING>();
  const budget = new ResultBudget(run.root.archive.context.limits);
  const waiting: Promise<void>[] = [];
  for (const item of items) {
    if (item.at.kind === "plain") continue;
    if (measured.has(item)) waiting.push(readLength(item, lengths, run));
    // Kept: the node that an absolute query selects is compared with all others.
    else if (deep) waiting.push(readValue(item, budget, run).then((value) => setPlain(item, value)));
  }
  if (waiting.length > 0) await Promise.all(waiting);
  return some.map((operation) => {
    if ("known" in operation || operation.item.at.kind === "plain") return knownValue(operation);
    return operation.length ? lengths.get(operation.item)! : CONTAINER;
  });
}

/** The value of an operation that is known, or whose item was read. */
function knownValue(operation: Operation): Comparable {
  if ("known" in operation) return operation.known;
  const { item, length } = operation;
  if (item.at.kind !== "plain") return CONTAINER;
  return length ? lengthOf(item.at.value) : item.at.value;
}

async function readLength(item: Item, lengths: Map<Item, number | typeof NOTHING>, run: Run): Promise<void> {
  lengths.set(item, await constant(item, run, () => lengthOfNode(item, run)));
}

/** `length()` of section 2.4.4 of RFC 9535: of a text its code points, of a container its children. */
function lengthOf(value: Comparable): number | typeof NOTHING {
  if (typeof value === "string") {
    let length = 0;
    for (const _ of value) length++;
    return length;
  }
  return itemsOf(value)?.length ?? membersOf(value)?.size ?? NOTHING;
}

/** The length of a container that is not read. Keys that are not text do not count. */
async function lengthOfNode({ at }: Item, run: Run): Promise<number | typeof NOTHING> {
  if (at.kind === "plain") return lengthOf(at.value);
  if (at.kind === "encoded") return NOTHING;
  const { archive, node } = at;
  const length = lengthOfList(node);
  if (length !== undefined) return length;
  let members = 0;
  for await (const window of archive.table.walk(node as Branch, {}, run.reading)) {
    for (const entry of window) if (typeof archive.table.key(entry) === "string") members++;
  }
  return members;
}

/** What does not depend on the node that is tested is evaluated once in a run. */
function constant<T>(of: object, run: Run, evaluate: () => Promise<T>): Promise<T> {
  let known = run.constants.get(of) as Promise<T> | undefined;
  if (known === undefined) {
    known = evaluate();
    run.constants.set(of, known);
  }
  return known;
}
