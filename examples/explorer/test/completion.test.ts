import { bytesSource, encodeArchive, openArchive, type RequestEvent, withEvents } from "@peekpack/core";
import { slowSource } from "@peekpack/core/testing";
import { expect, test } from "vitest";
import { Entry } from "../src/archive/entry.js";
import { complete, completeBelow } from "../src/search/completion.js";
import { jsonPathParts } from "../src/search/jsonpath-parts.js";

const DATA = {
  entries: Array.from({ length: 400 }, (_, i) => ({
    gap: i,
    energy: -i,
    cell: { volume: i, note: "x".repeat(24) },
  })),
  rows: Array.from({ length: 400 }, (_, i) => ({ gap: i, text: "x".repeat(100), deep: { below: i } })),
};

/** `entries` have nodes of their own, `rows` are indexed by blocks. */
async function opened() {
  const reads: RequestEvent[] = [];
  const bytes = encodeArchive(DATA, { smallObjectThreshold: 24, trivialSize: 0 });
  const blocks = encodeArchive(DATA);
  const archive = async (of: Uint8Array) => {
    const source = withEvents(slowSource(await bytesSource(of), { latencyMs: 0 }), (event) =>
      reads.push(event),
    );
    return Entry.root(await openArchive(source), "archive");
  };
  const roots = { nodes: await archive(bytes), blocks: await archive(blocks) };
  reads.length = 0;
  return { ...roots, reads };
}

async function suggested(root: Entry, text: string): Promise<string[]> {
  const { segments, typed, descends } = jsonPathParts(text);
  if (segments === undefined) return [];
  const find = descends ? completeBelow : complete;
  const { suggestions } = await find(root, segments, typed, new AbortController().signal);
  return suggestions.filter(({ entry }) => entry !== undefined).map((suggestion) => suggestion.text);
}

test("completes the names of entries inside a filter", async () => {
  const { nodes, reads } = await opened();
  for (const [text, names] of [
    ["$.entries[?@.", ["gap", "energy", "cell"]],
    ["$.entries[?@.ga", ["gap"]],
    ["$.entries[?@.gap > 1.5 && @.en", ["energy"]],
    ["$.entries[?@['ce", ["cell"]],
    ["$.entries[?length(@.cell.", ["volume", "note"]],
    ["$.entries[?@.gap > 3].e", ["energy", "gap", "cell"].filter((name) => name.includes("e"))],
    ["$.entries[?@.a == ']' || @.cell[?@.", []],
    ["$.entries[0:5].ga", ["gap"]],
    ["$[?@.gap == $.entries[0].ga", ["gap"]],
    ["$.entries[?@.gap > ", []],
    ["$.entries[?@.gap > 1.", []],
    ["$.entries[?@.gap == 'a.", []],
  ] as const) {
    expect([text, await suggested(nodes, text)]).toEqual([text, names]);
  }
  // The table was in memory, and no value was read.
  expect(reads).toEqual([]);
});

test("completes names that follow `..` from the entries that were opened, and reads nothing", async () => {
  const { nodes, reads } = await opened();
  expect(await suggested(nodes, "$..")).toEqual(["entries", "rows"]);
  const entries = nodes.child(0);
  await entries.load();
  await entries.child(7).load();
  expect(await suggested(nodes, "$..e")).toEqual(["entries", "energy", "cell"]);
  expect(await suggested(nodes, "$.entries..ga")).toEqual(["gap"]);
  expect(await suggested(nodes, "$.entries..vol")).toEqual([]);
  expect(jsonPathParts("$.entries..ga")).toMatchObject({ above: "$.entries", typed: "ga", descends: true });
  expect(reads).toEqual([]);
});

test("completes names in values that were read, and reads no others", async () => {
  const { blocks, reads } = await opened();
  await blocks.load();
  expect(await suggested(blocks, "$.rows[?@.")).toEqual([]);
  expect(await suggested(blocks, "$..")).toEqual(["entries", "rows"]);
  expect(reads).toEqual([]);
  const rows = blocks.child(1);
  await rows.load();
  await rows.loadItems(20, 22, {});
  reads.length = 0;
  expect(await suggested(blocks, "$.rows[?@.")).toEqual(["gap", "text", "deep"]);
  expect(await suggested(blocks, "$.rows[?@.deep.")).toEqual(["below"]);
  expect(await suggested(blocks, "$..bel")).toEqual(["below"]);
  expect(reads).toEqual([]);
});
