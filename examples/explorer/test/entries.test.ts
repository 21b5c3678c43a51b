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

const child = async (entry: Entry, name: string): Promise<Entry> =>
  entry.child(await entry.find({ text: name, exact: false }));

test("unfolds, measures and finds entries of the table without a read", async () => {
  const { root, reads } = await opened();
  const entries = await child(root, "entries");
  await entries.load();
  expect(entries.size).toBe(500);
  const run = await child(entries, "run-123");
  await run.load();
  const energy = await child(run, "energy");
  expect(energy.outline).toMatchObject({ kind: "value" });
  expect(energy.bytes).toBe(9);
  expect((await child(root, "numbers")).outline).toMatchObject({ kind: "blocked", count: 30_000 });
  expect(await entries.find({ text: "run-500", exact: false })).toBe(-1);
  expect(reads).toEqual([]);
  expect((await energy.load()).value).toBe(-123.5);
  expect(reads.length).toBe(1);
  expect(energy.path).toEqual(["entries", "run-123", "energy"]);
  expect(reads[0]!.range).toEqual(energy.range);
});

test("reads items of a list of blocks together", async () => {
  const { root, reads } = await opened();
  const numbers = await child(root, "numbers");
  await numbers.load();
  await numbers.loadItems(100, 140, {});
  expect(numbers.child(139).content?.value).toBe(139 / 7);
  expect(reads.length).toBe(1);
});

test("loads entries whose pages lie side by side in few requests", async () => {
  const many = encodeArchive(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key-${i}`, i])), {
    pageIndex: true,
    smallObjectThreshold: 1,
    trivialSize: 0,
  });
  const reads: RequestEvent[] = [];
  const slow = slowSource(bytesSource(many), { latencyMs: 5 });
  const root = Entry.root(await openArchive(withEvents(slow, (event) => reads.push(event))), "test");
  await root.load();
  reads.length = 0;
  await root.ensure(0, 8192);
  expect(root.child(8191).key).toBe("key-8191");
  expect(reads.length).toBeLessThanOrEqual(6);
});

test("does not fail a read when another caller of it aborts", async () => {
  const source = slowSource(bytesSource(encodeArchive(DATA)), { latencyMs: 5 });
  const root = Entry.root(await openArchive(source), "test");
  await root.load();
  const about = await child(root, "about");
  await about.load();
  const title = await child(about, "title");
  const aborted = new AbortController();
  const one = title.load({ signal: aborted.signal });
  const other = title.load({ signal: new AbortController().signal });
  aborted.abort();
  await expect(one).rejects.toBe(aborted.signal.reason);
  await expect(other).resolves.toHaveProperty("value");
});

test("finds keys that are not text, and a text key before another that reads the same", async () => {
  const { root } = await opened();
  const odd = await child(root, "odd");
  await odd.load();
  expect((await child(odd, "1")).content?.value).toBe("text");
  expect((await child(odd, "null")).content?.value).toBe("null");
  expect(odd.child(0).content?.value).toBe("one");
});

test("completes keys from the table, with * for the first entry", async () => {
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

test("gives the rows of an array as views", async () => {
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
  // As if it had been read.
  Object.assign(await root.load(), { value: array });
  expect(root.size).toBe(2);
  const row = root.child(1).content?.value as NdArray;
  expect(row.shape).toEqual([3]);
  expect(row.data.buffer).toBe(array.data.buffer);
  expect(root.child(1).child(2).content?.value).toBe(5);
});

test("maps rows to entries in the order of a walk over the unfolded entries", async () => {
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
  const entries = await child(root, "entries");
  await unfold(entries);
  await unfold(await child(entries, "run-7"));
  await unfold(await child(entries, "run-3"));
  await unfold(await child(root, "odd"));
  rows.fold(await child(entries, "run-3"));
  open.splice(open.indexOf(await child(entries, "run-3")), 1);
  agree();
  rows.fold(entries);
  open.splice(1, open.length, await child(root, "odd"));
  agree();
  expect(rows.rowOf(await child(entries, "run-7"))).toBe(-1);
});

test("describes any entry of a paged table with few requests", async () => {
  const value = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`key-${i}`, `value ${i}`]));
  const bytes = encodeArchive({ value }, { smallObjectThreshold: 1, trivialSize: 0, pageIndex: true });
  const reads: RequestEvent[] = [];
  const source = withEvents(slowSource(bytesSource(bytes), { latencyMs: 0 }), (event) => reads.push(event));
  const archive = await openArchive(source, { tailBytes: 0, headBytes: 64 });
  expect(archive.info.pageIndex.state).toBe("used");
  const root = Entry.root(archive, "test");
  await root.load();
  const map = await child(root, "value");
  await map.load();
  expect(map.size).toBe(200_000);
  const far = map.child(150_000);
  expect(far.pending).toBe(true);
  await map.ensure(149_990, 150_040);
  expect(far.pending).toBe(false);
  expect(far.path).toEqual(["value", "key-150000"]);
  expect(map.child(150_020).key).toBe("key-150020");
  expect(reads.length).toBeLessThan(20);
  const fetched = reads.reduce((sum, event) => sum + event.bytes, 0);
  expect(fetched).toBeLessThan(bytes.length / 10);
  expect((await far.load()).value).toBe("value 150000");
  const before = reads.length;
  const found = await map.find({ text: "key-123456", exact: true });
  expect(found).toBe(123_456);
  // As the tree asks for a screen around the entry that it goes to.
  await map.ensure(found - 30, found + 30);
  expect(map.child(found).key).toBe("key-123456");
  const bytesOfGoing = reads.slice(before).reduce((sum, event) => sum + event.bytes, 0);
  expect(bytesOfGoing).toBeLessThan(40_000);
});

test("does not fail a load of descriptions when another caller of it aborts", async () => {
  const value = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key-${i}`, i]));
  const bytes = encodeArchive({ value }, { smallObjectThreshold: 1, trivialSize: 0, pageIndex: true });
  const source = slowSource(bytesSource(bytes), { latencyMs: 5 });
  const root = Entry.root(await openArchive(source, { tailBytes: 0, headBytes: 64 }), "test");
  await root.load();
  const map = await child(root, "value");
  await map.load();
  const aborted = new AbortController();
  const one = map.ensure(15_000, 15_001, { signal: aborted.signal });
  const other = map.ensure(15_000, 15_001);
  aborted.abort();
  await expect(one).rejects.toBe(aborted.signal.reason);
  await other;
  expect(map.child(15_000).key).toBe("key-15000");
});
