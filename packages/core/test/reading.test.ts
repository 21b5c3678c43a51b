import { describe, expect, it } from "vitest";
import {
  type Archive,
  combineArchives,
  encodeArchive,
  LazyList,
  LazyMap,
  memorySink,
  openArchive,
  type Path,
  slice,
} from "../src/index.js";
import { observedSource } from "./observed-source.js";
import { failure } from "./outcome.js";
import { everyKind, isRecord, places } from "./places.js";

const document = everyKind();
const other = { name: "other", list: ["a", ["b"], { c: "d".repeat(400) }] };

async function combined(codec: "msgpack" | "cbor", named: boolean): Promise<Uint8Array> {
  const sink = memorySink();
  const values = [document, other, [1, 2, 3], null];
  const children = values.map((value, i) => (named ? { name: `c${i}`, value } : { value }));
  await combineArchives(sink, children, { codec, smallObjectThreshold: 256 });
  return sink.bytes();
}

/** Archives of every shape, and what is in them. */
const ARCHIVES: readonly (readonly [string, () => Promise<Uint8Array> | Uint8Array, unknown])[] = (
  ["msgpack", "cbor"] as const
).flatMap((codec) => [
  [`${codec}, indexed`, () => encodeArchive(document, { codec, smallObjectThreshold: 256 }), document],
  [
    `${codec}, an entry for everything`,
    () => encodeArchive(document, { codec, smallObjectThreshold: 0 }),
    document,
  ],
  [`${codec}, one leaf`, () => encodeArchive(document, { codec, smallObjectThreshold: 1e6 }), document],
  [
    `${codec}, rust`,
    () => encodeArchive(document, { codec, smallObjectThreshold: 256, profile: "rust" }),
    document,
  ],
  [
    `${codec}, combined by name`,
    () => combined(codec, true),
    { c0: document, c1: other, c2: [1, 2, 3], c3: null },
  ],
  [`${codec}, combined as a list`, () => combined(codec, false), [document, other, [1, 2, 3], null]],
]);

/** From memory, where reads cost nothing, and as if from afar, with the engine in between. */
const MEDIA: readonly (readonly [string, (bytes: Uint8Array) => Promise<Archive>])[] = [
  ["from memory", (bytes) => openArchive(bytes)],
  ["from a Blob", (bytes) => openArchive(new Blob([bytes as Uint8Array<ArrayBuffer>]))],
  ["from afar", (bytes) => openArchive(observedSource(bytes))],
  [
    "from afar, nothing kept",
    (bytes) => openArchive(observedSource(bytes), { cacheBytes: 0, tocCacheBytes: 0 }),
  ],
];

/** What a handle stands for, whole; a value as it is. */
const whole = async (found: unknown): Promise<unknown> =>
  found instanceof LazyMap || found instanceof LazyList
    ? found.toValue()
    : Array.isArray(found)
      ? Promise.all(found.map(whole))
      : found;

describe.each(ARCHIVES)("%s", (_, make, value) => {
  it.each(MEDIA)("every place is read right, %s", async (medium, open) => {
    const archive = await open(await make());
    const every = [...places(value)];
    // From memory every place; else those near the root, and some of the others.
    const wanted =
      medium === "from memory" ? every : every.filter(({ path }, i) => path.length < 3 && i % 3 === 0);
    const read = await archive.readMany(wanted.map(({ path }) => path as Path));
    for (const [i, place] of wanted.entries()) expect(read[i]).toEqual(place.value);
    for (const { path, value: inner } of wanted.filter((_place, i) => i % 11 === 0 || i < 40)) {
      expect(await whole(await archive.get(path))).toEqual(inner);
      expect(await archive.has(path)).toBe(true);
      expect(await archive.has([...path, "no such key"])).toBe(false);
      if (Array.isArray(inner)) {
        expect(await archive.size(path)).toBe(inner.length);
        expect(await archive.keys(path).toArray()).toEqual([...inner.keys()]);
        expect(await archive.has([...path, inner.length])).toBe(false);
        expect(await failure(archive.read([...path, inner.length]))).toBe("not-found");
        expect(await failure(archive.read([...path, -inner.length - 1]))).toBe("not-found");
        expect(await archive.read([...path, slice(null, null, -1)])).toEqual(inner.toReversed());
        expect(await archive.read([...path, slice(-2)])).toEqual(inner.slice(-2));
        if (inner.length > 0) expect(await archive.read([...path, -1])).toEqual(inner.at(-1));
      } else if (isRecord(inner)) {
        expect(await archive.size(path)).toBe(Object.keys(inner).length);
        expect(new Set(await archive.keys(path).toArray())).toEqual(new Set(Object.keys(inner)));
        expect(await failure(archive.read([...path, "no such key"]))).toBe("not-found");
        expect(await failure(archive.read([...path, slice(1)]))).toBe("bad-path");
        // An exact key: the text "9" is not the number 9.
        expect(await archive.has([...path, 9])).toBe(false);
      } else {
        const inside = [archive.keys(path).toArray(), archive.entries(path).toArray(), archive.size(path)];
        expect(await Promise.all(inside.map(failure))).toEqual(["bad-path", "bad-path", "bad-path"]);
        expect(await failure(archive.read([...path, 0]))).toBe("bad-path");
      }
    }
  });

  it("entries give handles for what has a table, values for all else", async () => {
    const archive = await openArchive(await make());
    for (const { path, value: inner } of places(value)) {
      if (path.length > 3 || !(Array.isArray(inner) || isRecord(inner))) continue;
      const entries = await archive.entries(path).toArray();
      const expected = Array.isArray(inner) ? [...inner.entries()] : Object.entries(inner);
      expect(entries).toHaveLength(expected.length);
      const found = new Map<unknown, unknown>();
      for (const [key, item] of entries) found.set(key, await whole(item));
      expect(found).toEqual(new Map<unknown, unknown>(expected));
    }
  });

  it("handles agree with paths", async () => {
    const archive = await openArchive(await make());
    for (const { path, value: inner } of places(value)) {
      if (path.length > 4) continue;
      const handle = await archive.get(path);
      if (handle instanceof LazyMap) {
        const record = inner as { [key: string]: unknown };
        expect(handle.size).toBe(Object.keys(record).length);
        expect(new Set(await handle.keys().toArray())).toEqual(new Set(Object.keys(record)));
        for (const key of Object.keys(record)) {
          expect(await handle.has(key)).toBe(true);
          expect(await whole(await handle.get(key))).toEqual(record[key]);
        }
        expect(await handle.has("no such key")).toBe(false);
        expect(await failure(handle.get("no such key"))).toBe("not-found");
        expect(await failure(handle.get(0))).toBe("not-found");
        const values: unknown[] = [];
        for await (const item of handle.values()) values.push(await whole(item));
        expect(values).toHaveLength(handle.size);
        expect(await handle.toValue()).toEqual(record);
      } else if (handle instanceof LazyList) {
        const list = inner as unknown[];
        expect(handle.length).toBe(list.length);
        for (const index of [0, 1, list.length - 1, -1, -list.length, Number.NaN, 0.9]) {
          expect(await whole(await handle.at(index))).toEqual(list.at(index));
        }
        expect(await handle.at(list.length)).toBeUndefined();
        expect(await handle.at(-list.length - 1)).toBeUndefined();
        for (const [start, end] of [[], [1], [1, 3], [-3], [-3, -1], [3, 1], [0, 1e9], [Number.NaN, 2]]) {
          expect(await whole(await handle.slice(start, end))).toEqual(list.slice(start, end));
        }
        expect(await handle.toValue()).toEqual(list);
      }
    }
  });
});

describe("paths", () => {
  it("are text split on /, or exact keys", async () => {
    for (const smallObjectThreshold of [0, 1e6]) {
      const archive = await openArchive(encodeArchive(document, { smallObjectThreshold }));
      expect(await archive.read("leaf/b/2/c/0")).toBe(3);
      expect(await archive.read("//leaf//b/2/c/0/")).toBe(3);
      expect(await archive.read("")).toEqual(document);
      expect(await archive.read([])).toEqual(document);
      expect(await archive.read(["leaf", "d/e"])).toBe(4);
      expect(await archive.read(["leaf", ""])).toBe(5);
      expect(await archive.has("leaf/d/e")).toBe(false);
      expect(await failure(archive.read("leaf/b/x"))).toBe("bad-path");
      expect(await failure(archive.read("leaf/b/1:2:3:4"))).toBe("bad-path");
      expect(await archive.read("list/1/1/0:1")).toEqual([21]);
      expect(await archive.read("blocks/290::")).toBeDefined();
      expect(await archive.read(["blocks", slice(1, 4), -1])).toBe(3);
      expect(await archive.read("map/9")).toBe(1);
      expect(await archive.read("nothing")).toBeNull();
      expect(await failure(archive.read("nothing/x"))).toBe("bad-path");
      expect(await failure(archive.read("text/0"))).toBe("bad-path");
      // The replacement character is not what a lone surrogate stands for.
      const odd = await openArchive(
        encodeArchive({ "\ufffd": 1, "\ufffdx": "y".repeat(99) }, { smallObjectThreshold }),
      );
      expect(await odd.read(["\ufffd"])).toBe(1);
      expect(await odd.has(["\ud800"])).toBe(false);
      expect(await odd.has(["\udfffx"])).toBe(false);
    }
  });

  it("reject with TypeError if they are not paths", async () => {
    const archive = await openArchive(encodeArchive({ a: 1 }));
    for (const path of [5, {}, null, [{}], [undefined], [["a"]]] as never[]) {
      expect(await failure(archive.read(path))).toBeInstanceOf(TypeError);
      expect(await failure(archive.has(path))).toBeInstanceOf(TypeError);
      expect(await failure(archive.keys(path).toArray())).toBeInstanceOf(TypeError);
    }
  });

  it("stand in the errors that they lead to", async () => {
    for (const smallObjectThreshold of [0, 1e6]) {
      const archive = await openArchive(encodeArchive(document, { smallObjectThreshold }));
      for (const path of [
        ["leaf", "no"],
        ["list", 99],
        ["blocks", 300],
        ["leaf", "b", 2, "c", 7],
      ] as const) {
        await expect(archive.read(path)).rejects.toMatchObject({ code: "not-found", path: [...path] });
      }
    }
  });

  it("readMany returns values in the order of its paths, and rejects with the first failure", async () => {
    const archive = await openArchive(observedSource(encodeArchive(document, { smallObjectThreshold: 256 })));
    const paths = ["yes", "list/0", "yes", "blocks/7", "floats/-1"];
    expect(await archive.readMany(paths)).toEqual([true, 10, true, "item 7", 149 / 4]);
    expect(await archive.readMany(new Set(paths))).toHaveLength(4);
    expect(await archive.readMany([])).toEqual([]);
    expect(await failure(archive.readMany(["yes", "no", "blocks/x"]))).toBe("not-found");
  });
});

it("maps are Maps everywhere where that is asked for", async () => {
  for (const smallObjectThreshold of [0, 256, 1e6]) {
    const archive = await openArchive(encodeArchive(document, { smallObjectThreshold }), { maps: "map" });
    const root = (await archive.read()) as Map<string, unknown>;
    expect([...root.keys()]).toEqual(Object.keys(document));
    expect(root.get("leaf")).toEqual(
      new Map<unknown, unknown>([
        ["a", 1],
        ["b", [1, 2, new Map([["c", [3]]])]],
        ["d/e", 4],
        ["", 5],
      ]),
    );
    expect(await archive.read("leaf/b/2")).toEqual(new Map([["c", [3]]]));
    expect(await archive.read("leaf/b/2/c/0")).toBe(3);
    expect(await archive.size("leaf")).toBe(4);
    expect(await archive.keys("leaf").toArray()).toEqual(["a", "b", "d/e", ""]);
  }
});

it("what was read is the caller's own: changing it changes nothing", async () => {
  for (const smallObjectThreshold of [0, 256, 1e6]) {
    const archive = await openArchive(observedSource(encodeArchive(document, { smallObjectThreshold })));
    for (const path of ["leaf", "blocks", "bytes"]) {
      const first = (await archive.read(path)) as never[];
      if (Array.isArray(first)) first.length = 0;
      else if (ArrayBuffer.isView(first)) (first as unknown as Uint8Array).fill(9);
      else for (const key of Object.keys(first)) delete first[key as never];
      expect(await archive.read(path)).toEqual(document[path]);
    }
  }
});
