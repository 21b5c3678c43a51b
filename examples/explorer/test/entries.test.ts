import {
  bytesSource,
  encodeArchive,
  NdArray,
  openArchive,
  type RequestEvent,
  type Value,
  withEvents,
} from "@peekpack/core";
import { slowSource } from "@peekpack/core/testing";
import { expect, test } from "vitest";
import { Entry } from "../src/archive/entry.js";
import { typedSegments } from "../src/archive/segments.js";
import { complete } from "../src/search/completion.js";
import { TreeRows } from "../src/tree/tree-rows.js";

const DATA = {
  about: { title: "x".repeat(20_000) },
  entries: Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`run-${i}`, { energy: -i - 0.5, positions: "y".repeat(9000) }]),
  ),
  numbers: Array.from({ length: 30_000 }, (_, i) => i / 7),
  odd: new Map<Value, Value>([
    [1, "one"],
    ["1", "text"],
    [null, "null"],
  ]),
} satisfies Value;

async function opened(): Promise<{ root: Entry; reads: RequestEvent[] }> {
  const reads: RequestEvent[] = [];
  const source = withEvents(bytesSource(encodeArchive(DATA)), (event) => reads.push(event));
  const root = Entry.root(await openArchive(source), "test");
  await root.load();
  reads.length = 0;
  return { root, reads };
}

const child = (entry: Entry, name: string): Entry => entry.child(entry.find({ text: name, exact: false }));

test("what is in the table of contents is unfolded, sized and found without a read", async () => {
  const { root, reads } = await opened();
  const entries = child(root, "entries");
  await entries.load();
  expect(entries.size).toBe(500);
  const run = child(entries, "run-123");
  await run.load();
  const energy = child(run, "energy");
  expect(energy.outline).toMatchObject({ kind: "value" });
  expect(energy.bytes).toBe(9);
  expect(child(root, "numbers").outline).toMatchObject({ kind: "blocked", count: 30_000 });
  expect(entries.find({ text: "run-500", exact: false })).toBe(-1);
  expect(reads).toEqual([]);
  expect((await energy.load()).value).toBe(-123.5);
  expect(reads.length).toBe(1);
  expect(energy.path).toEqual(["entries", "run-123", "energy"]);
  expect(reads[0]!.range).toEqual(energy.span);
});

test("items of a list of blocks are read together", async () => {
  const { root, reads } = await opened();
  const numbers = child(root, "numbers");
  await numbers.load();
  await numbers.loadItems(100, 140, {});
  expect(numbers.child(139).content?.value).toBe(139 / 7);
  expect(reads.length).toBe(1);
});

test("one reader's leaving does not fail another", async () => {
  const source = slowSource(bytesSource(encodeArchive(DATA)), { latencyMs: 5 });
  const root = Entry.root(await openArchive(source), "test");
  await root.load();
  const about = child(root, "about");
  await about.load();
  const title = child(about, "title");
  const leaving = new AbortController();
  const one = title.load({ signal: leaving.signal });
  const other = title.load({ signal: new AbortController().signal });
  leaving.abort();
  await expect(one).rejects.toBe(leaving.signal.reason);
  await expect(other).resolves.toHaveProperty("value");
});

test("keys that are no texts have entries, and a text goes before what reads the same", async () => {
  const { root } = await opened();
  const odd = child(root, "odd");
  await odd.load();
  expect(child(odd, "1").content?.value).toBe("text");
  expect(child(odd, "null").content?.value).toBe("null");
  expect(odd.child(0).content?.value).toBe("one");
});

test("keys are completed from the table alone, a star standing for the first entry", async () => {
  const { root, reads } = await opened();
  const { signal } = new AbortController();
  const of = async (above: string, typed: string): Promise<string[]> =>
    (await complete(root, typedSegments(above), typed, signal)).suggestions.map(({ text }) => text);
  expect(await of("", "ent")).toEqual(["entries"]);
  expect(await of("entries", "run-49")).toEqual([
    "run-49",
    ...Array.from({ length: 10 }, (_, i) => `run-49${i}`),
  ]);
  expect(await of("entries/*", "")).toEqual(["*", "energy", "positions"]);
  expect(await of("entries", "N-7")).toContain("run-7");
  expect((await complete(root, typedSegments("about/title"), "", signal)).unread?.key).toBe("title");
  expect(reads).toEqual([]);
});

test("an array's rows are arrays over the same memory", async () => {
  const array = new NdArray(
    Float64Array.from({ length: 6 }, (_, i) => i),
    [2, 3],
  );
  const source = bytesSource(
    encodeArchive({
      array: [
        [0, 1, 2],
        [3, 4, 5],
      ],
    }),
  );
  expect((await openArchive(source)).info.kind).toBe("value");
  const root = Entry.root(await openArchive(source), "test");
  // As reading would give it.
  Object.assign(await root.load(), { value: array });
  expect(root.size).toBe(2);
  const row = root.child(1).content?.value as NdArray;
  expect(row.shape).toEqual([3]);
  expect(row.data.buffer).toBe(array.data.buffer);
  expect(root.child(1).child(2).content?.value).toBe(5);
});

test("rows are those that walking down the unfolded entries gives", async () => {
  const { root } = await opened();
  const rows = new TreeRows(root);
  expect(rows.count).toBe(1);
  rows.open(root);
  const open: Entry[] = [root];
  const expected = (): Entry[] => {
    const list: Entry[] = [];
    const walk = (entry: Entry): void => {
      list.push(entry);
      if (open.includes(entry)) for (let i = 0; i < entry.size!; i++) walk(entry.child(i));
    };
    walk(root);
    return list;
  };
  const agree = (): void => {
    const list = expected();
    expect(rows.count).toBe(list.length);
    for (const [row, entry] of list.entries()) {
      expect(rows.entryAt(row)).toBe(entry);
      expect(rows.rowOf(entry)).toBe(row);
    }
  };
  const unfold = async (entry: Entry): Promise<void> => {
    await entry.load();
    rows.open(entry);
    open.push(entry);
    agree();
  };
  const entries = child(root, "entries");
  await unfold(entries);
  await unfold(child(entries, "run-7"));
  await unfold(child(entries, "run-3"));
  await unfold(child(root, "odd"));
  rows.fold(child(entries, "run-3"));
  open.splice(open.indexOf(child(entries, "run-3")), 1);
  agree();
  rows.fold(entries);
  open.splice(1, open.length, child(root, "odd"));
  agree();
  expect(rows.rowOf(child(entries, "run-7"))).toBe(-1);
});
