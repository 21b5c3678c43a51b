import { describe, expect, it } from "vitest";
import {
  ANY,
  type Archive,
  combineArchives,
  encodeArchive,
  memorySink,
  openArchive,
  type Pattern,
  slice,
} from "../src/index.js";
import { observedSource } from "./observed-source.js";
import { failure } from "./outcome.js";
import { everyKind, isRecord } from "./places.js";

const document = everyKind();

async function found(archive: Archive, pattern: Pattern): Promise<[string, unknown][]> {
  const all: [string, unknown][] = [];
  for await (const { path, value } of archive.select(pattern)) all.push([path.join("/"), value]);
  return all;
}

/** What a pattern of keys and `*` finds in a plain value. */
function expected(value: unknown, pattern: readonly string[], path: string[] = []): [string, unknown][] {
  const [segment, ...rest] = pattern;
  if (segment === undefined) return [[path.join("/"), value]];
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item, i) => [String(i), item])
    : isRecord(value)
      ? Object.entries(value)
      : [];
  return entries
    .filter(([key]) => segment === "*" || key === segment)
    .flatMap(([key, inner]) => expected(inner, rest, [...path, key]));
}

const PATTERNS = [
  "*",
  "*/*",
  "*/*/*",
  "*/*/*/*",
  "leaf/*",
  "leaf/b/*/c",
  "list/*/x",
  "blocks/*",
  "blocks/*/1/0",
  "map/*/third",
  "*/0",
  "blocksInside/1/more/*",
  "no/*",
  "*/no",
  "text/*",
  "",
];

describe.each(["msgpack", "cbor"] as const)("select in %s", (codec) => {
  for (const smallObjectThreshold of [0, 256, 1e6]) {
    it(`threshold ${smallObjectThreshold}: finds what is there, in the archive's order`, async () => {
      const bytes = encodeArchive(document, { codec, smallObjectThreshold });
      for (const archive of [await openArchive(bytes), await openArchive(observedSource(bytes))]) {
        for (const pattern of PATTERNS) {
          const wanted = expected(
            document,
            pattern.split("/").filter((key) => key !== ""),
          );
          const got = await found(archive, pattern);
          // Plain objects put keys like "9" first; the archive keeps the order they were written in.
          expect(new Map(got)).toEqual(new Map(wanted));
          expect(got).toHaveLength(wanted.length);
        }
      }
    });
  }

  it("takes exact keys, slices and ANY in an array", async () => {
    const value = {
      "a/b": [1, [2], { c: 3 }],
      "*": [4, 5],
      n: new Map<unknown, unknown>([
        [1, "one"],
        [null, "null"],
      ]),
    };
    for (const smallObjectThreshold of [0, 1e6]) {
      const archive = await openArchive(encodeArchive(value, { codec, smallObjectThreshold }));
      expect(await found(archive, ["a/b", ANY])).toHaveLength(3);
      expect(await found(archive, ["*", -1])).toEqual([["*/1", 5]]);
      expect(await found(archive, ["*", slice(null, null, -1)])).toEqual([
        ["*/1", 5],
        ["*/0", 4],
      ]);
      expect(await found(archive, [ANY, 0])).toEqual([
        ["a/b/0", 1],
        ["*/0", 4],
      ]);
      expect(await found(archive, ["n", 1])).toEqual([["n/1", "one"]]);
      const paths = (await archive.select(["n", ANY]).toArray()).map(({ path }) => path);
      expect(paths).toEqual([
        ["n", 1],
        ["n", null],
      ]);
      for (const path of paths) expect(await archive.has(path)).toBe(true);
    }
  });

  it("goes through combined archives, several deep", async () => {
    let bytes = encodeArchive(
      { energy: 1, list: Array.from({ length: 500 }, (_, i) => i) },
      { codec, smallObjectThreshold: 100 },
    );
    for (let level = 0; level < 3; level++) {
      const sink = memorySink();
      await combineArchives(
        sink,
        ["x", "y", "z"].map((name) => ({ name, source: bytes })),
        { codec },
      );
      bytes = sink.bytes();
    }
    const archive = await openArchive(observedSource(bytes));
    const energies = await found(archive, "*/*/*/energy");
    expect(energies).toHaveLength(27);
    expect(energies[1]).toEqual(["x/x/y/energy", 1]);
    const items = await found(archive, "x/*/z/list/*");
    expect(items).toHaveLength(1500);
    expect(items[501]).toEqual(["x/y/z/list/1", 1]);
    expect(await found(archive, "x/y/*")).toHaveLength(3);
  });
});

it("values are read in groups, with few requests", async () => {
  const entries = Object.fromEntries(
    Array.from({ length: 2000 }, (_, i) => [
      `entry ${i}`,
      { energy: i, name: `n${i}`, blob: "x".repeat(200) },
    ]),
  );
  const source = observedSource(encodeArchive({ entries }, { smallObjectThreshold: 100 }));
  const archive = await openArchive(source);
  const before = source.requests;
  const energies = (await archive.select("entries/*/energy").toArray()).map(({ value }) => value);
  expect(energies).toEqual(Array.from({ length: 2000 }, (_, i) => i));
  expect(source.requests - before).toBeLessThan(20);
});

it("what is in child archives streams too: the first come before the last are read", async () => {
  const child = encodeArchive(Array.from({ length: 400 }, (_, i) => `${i} ${"x".repeat(50_000)}`));
  const sink = memorySink();
  await combineArchives(sink, [{ name: "big", source: child }]);
  const source = observedSource(sink.bytes());
  const archive = await openArchive(source, { tailBytes: 64 * 1024, cacheBytes: 0, readAhead: 0 });
  for await (const { path } of archive.select("big/*")) {
    expect(path).toEqual(["big", 0]);
    break;
  }
  const read = source.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  expect(read).toBeLessThan(child.length / 2);
});

it("every loop starts afresh, and stops where its caller stops", async () => {
  const archive = await openArchive(encodeArchive(document));
  const sequence = archive.select("blocks/*");
  const first: unknown[] = [];
  for await (const { value } of sequence) if (first.push(value) === 5) break;
  expect(first).toEqual((document.blocks as unknown[]).slice(0, 5));
  expect(await sequence.toArray()).toHaveLength(300);
});

it("rejects invalid patterns, after an abort, and when the archive is closed", async () => {
  const source = observedSource(encodeArchive(document, { smallObjectThreshold: 0 }));
  const archive = await openArchive(source);
  for (const pattern of [5, null, {}] as never[]) {
    await expect(archive.select(pattern).toArray()).rejects.toThrow(TypeError);
  }
  const signal = AbortSignal.abort("enough");
  expect(await failure(archive.select("*", { signal }).toArray())).toBe("enough");
  const later = new AbortController();
  const walking = (async () => {
    for await (const _ of archive.select("blocks/*", { signal: later.signal })) later.abort("later");
  })();
  expect(["later", "no error"]).toContain(await failure(walking));
  const sequence = archive.select("*");
  await archive.close();
  expect(await failure(sequence.toArray())).toBe("closed");
});

it("damage met on the way fails the sequence in its turn", async () => {
  const bytes = encodeArchive({ a: "x".repeat(60), b: "y".repeat(60) }, { smallObjectThreshold: 0 });
  bytes[50 + 3] = 0xc1;
  const archive = await openArchive(bytes);
  expect(await failure(archive.select("*").toArray())).toBe("corrupt");
});
