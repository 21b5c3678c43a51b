import { fromTagged } from "@peekpack/testing/fixtures";
import { Random, randomTree } from "@peekpack/testing/fuzz";
import { expect, it } from "vitest";
import { decodeHeader } from "../src/format/header.js";
import { encodeArchive, memorySink, writeArchive } from "../src/index.js";
import { IndexLookup, type Step } from "./index-lookup.js";

type Node = Map<string, unknown>;

/** All nodes of a table with their paths, as far as a path can name them and only them. */
function* nodes(node: Node, path: readonly Step[] = []): Generator<readonly [readonly Step[], Node]> {
  yield [path, node];
  const children = node.get("t");
  if (Array.isArray(children)) {
    for (const [i, child] of children.entries()) yield* nodes(child, [...path, i]);
  } else if (children instanceof Map) {
    // Integers in other widths, and wide ones that a 64-bit float cannot tell apart, may be equal.
    const counts = new Map<number, number>();
    for (const key of children.keys()) {
      if (typeof key === "number" || typeof key === "bigint") {
        counts.set(Number(key), (counts.get(Number(key)) ?? 0) + 1);
      }
    }
    for (const [key, child] of children) {
      const unique = typeof key === "number" && counts.get(key) === 1;
      const plain =
        typeof key === "string" || typeof key === "boolean" || key === null || key instanceof Uint8Array;
      if (unique || plain) yield* nodes(child, [...path, key]);
    }
  }
}

/** What tells a node from all others: its span or blocks. */
function told(node: Node | undefined): string {
  return JSON.stringify(node?.get("p"));
}

it.each(["msgpack", "cbor"] as const)(
  "every node of random archives in %s is found",
  async (codec) => {
    const random = new Random(77);
    let count = 0;
    let large = 0;
    for (let round = 0; round < 5; round++) {
      const trees = Array.from({ length: random.pick([1, 30, 100]) }, () =>
        fromTagged(randomTree(random, { bytes: random.pick([300, 3_000, 20_000]), oddKeys: true })),
      );
      const options = {
        codec,
        smallObjectThreshold: random.pick([1, 10, 40, 200]),
        trivialSize: random.pick([1, 5, 20]),
        pageIndex: true,
      } as const;
      const value = random.chance(0.5) ? trees : new Map(trees.map((tree, i) => [`tree ${i}`, tree]));
      const archive = encodeArchive(value, options);
      const sink = memorySink();
      await writeArchive(sink, value, options);
      expect(Buffer.compare(sink.bytes(), archive)).toBe(0);
      const { tocStart, tocSize } = decodeHeader(archive);
      const table = archive.slice(50 + tocStart, 50 + tocStart + tocSize);
      const index = archive.slice(50 + tocStart + tocSize);
      expect(index.length > 0).toBe(tocSize > 8192);
      if (index.length === 0) continue;
      const lookup = new IndexLookup(index, table, codec, tocStart);
      large += lookup.records.length;
      const [root] = lookup.decode(table) as [Node];
      for (const [path, node] of nodes(root)) {
        const found = lookup.find(path) as { readonly node: Node } | undefined;
        // A call of a matcher for each node would take most of the time.
        if (told(found?.node) !== told(node)) expect(found, path.join("/")).toEqual({ node });
        count++;
      }
    }
    expect(count).toBeGreaterThan(10_000);
    expect(large).toBeGreaterThan(20);
  },
  120_000,
);
