import { describe, expect, it } from "vitest";
import { encodeArchive, LazyList, LazyMap, openArchive } from "../src/index.js";
import { liveBytes } from "./heap.js";
import { observedSource } from "./observed-source.js";

const CODECS = ["msgpack", "cbor"] as const;
const MILLION = 1_000_000;

/** A map of lists of texts just too long to share a block: a node for each text. */
function manyNodes(nodes: number): { [key: string]: string[] } {
  const text = "just too long for a block";
  return Object.fromEntries(
    Array.from({ length: nodes / 1000 }, (_, i) => [
      `list ${i}`,
      Array.from({ length: 999 }, (_item, n) => `${text} ${i}/${n}`),
    ]),
  );
}

describe.each(CODECS)("a table of a million nodes in %s", (codec) => {
  it("opens without an object for each, and look-ups are right", async () => {
    const archive = encodeArchive(manyNodes(MILLION), { codec });
    const before = liveBytes();
    const opened = await openArchive(observedSource(archive), { tailBytes: archive.length });
    const grown = liveBytes() - before;
    const { tocBytes } = opened.info;
    expect(tocBytes).toBeGreaterThan(10 * MILLION);
    expect(grown).toBeLessThan(1.2 * tocBytes);

    for (const [i, n] of [
      [0, 0],
      [999, 998],
      [500, 499],
      [37, 911],
    ] as const) {
      expect(await opened.read(`list ${i}/${n}`)).toBe(`just too long for a block ${i}/${n}`);
    }
    expect(await opened.has("list 1000")).toBe(false);
    expect(await opened.has("list 999/999")).toBe(false);
    expect(await opened.size()).toBe(1000);
    // What look-ups have learned is within its budget, far below a table of objects.
    expect(liveBytes() - before).toBeLessThan(1.2 * tocBytes + 8 * 2 ** 20);
  });
});

describe("what look-ups learn", () => {
  it("is kept within the budget, and everything is right without one", async () => {
    const tree = {
      a: manyNodes(20_000),
      b: Array.from({ length: 300 }, (_, i) => ({ [`key ${i}`]: "x".repeat(30) })),
    };
    for (const codec of CODECS) {
      const bytes = encodeArchive(tree, { codec, smallObjectThreshold: 20 });
      for (const tocCacheBytes of [0, 50, 1000, 20_000, undefined]) {
        const archive = await openArchive(bytes, { tocCacheBytes });
        expect(await archive.read("a/list 7/998")).toBe("just too long for a block 7/998");
        expect(await archive.read("a/list 7/-1")).toBe("just too long for a block 7/998");
        expect(await archive.read(["b", 299, "key 299"])).toBe("x".repeat(30));
        expect(await archive.has(["b", 299, "key 298"])).toBe(false);
        expect(await archive.keys("a").toArray()).toEqual(Object.keys(tree.a));
        expect(await archive.read("b/290:")).toEqual(tree.b.slice(290));
        const seen: unknown[] = [];
        for await (const { value } of archive.select("b/*/*")) seen.push(value);
        expect(seen).toHaveLength(300);
        const map = await archive.get("a");
        expect(map).toBeInstanceOf(LazyMap);
        let walked = 0;
        for await (const [key, list] of map as LazyMap) {
          expect(key).toBe(`list ${walked++}`);
          expect(list).toBeInstanceOf(LazyList);
        }
        expect(walked).toBe(20);
      }
    }
  });

  it("is learned once for a walk, however small the budget", async () => {
    // Learned anew for every child, these would take hours.
    const wide = Object.fromEntries(
      Array.from({ length: 30_000 }, (_, i) => [`key ${i}`, "a text of 21 bytes .."]),
    );
    const list = Object.values(wide);
    const archive = await openArchive(encodeArchive({ wide, list }, { smallObjectThreshold: 20 }), {
      tocCacheBytes: 0,
    });
    expect(await archive.entries("wide").toArray()).toHaveLength(30_000);
    expect(await archive.entries("list").toArray()).toHaveLength(30_000);
    expect(await ((await archive.get("list")) as LazyList).slice()).toHaveLength(30_000);
    expect(await archive.read("list/0:30000")).toHaveLength(30_000);
    let seen = 0;
    for await (const _ of archive.select("*/*")) seen++;
    expect(seen).toBe(60_000);
  });

  it("of keys holds whatever the keys are: twice, alike, empty, of other types", async () => {
    const keys = [
      "",
      "a",
      "b",
      "ab",
      "ba",
      "p",
      "t",
      "\0",
      "ä",
      "__proto__",
      ...Array.from({ length: 5000 }, (_, i) => `${i}`),
    ];
    for (const codec of CODECS) {
      const map = new Map<unknown, unknown>(keys.map((key, i) => [key, i]));
      map.set(1, "number");
      map.set(new Uint8Array([0x61]), "bytes");
      map.set(null, "null");
      for (const tocCacheBytes of [0, undefined]) {
        const archive = await openArchive(
          encodeArchive(map, { codec, smallObjectThreshold: 0, trivialSize: 0 }),
          {
            tocCacheBytes,
          },
        );
        expect(archive.info.kind).toBe("map");
        for (const [i, key] of keys.entries()) {
          if (i < 20 || i % 500 === 0) expect(await archive.read([key])).toBe(i);
        }
        expect(await archive.read([1])).toBe("number");
        expect(await archive.read([new Uint8Array([0x61])])).toBe("bytes");
        expect(await archive.read([null])).toBe("null");
        for (const key of ["aa", "c", "5000", "a\0"]) expect(await archive.has([key])).toBe(false);
      }
    }
  });
});
