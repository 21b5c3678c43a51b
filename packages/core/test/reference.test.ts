/** What the reference's own tests assert, on each kind of target. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSink, fileSource } from "@peekpack/node-storage";
import { Random, seedOfRun } from "@peekpack/testing/fuzz";
import { Unpackr } from "msgpackr";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Archive,
  type ArchiveSink,
  type ArchiveSource,
  combineArchives,
  encodeArchive,
  float64,
  LazyList,
  LazyMap,
  listOf,
  mapOf,
  memorySink,
  openArchive,
  type Path,
  slice,
  writeArchive,
} from "../src/index.js";
import { firstDifference } from "./bytes.js";
import { observedSource } from "./observed-source.js";
import { collected, failure } from "./outcome.js";
import { places } from "./places.js";

const seed = seedOfRun();
const CODECS = ["msgpack", "cbor"] as const;

const base = {
  glossary: {
    title: "example glossary",
    GlossDiv: {
      title: "S",
      GlossList: {
        GlossEntry: {
          ID: "SGML",
          SortAs: "SGML",
          GlossTerm: "Standard Generalized Markup Language",
          Acronym: "SGML",
          Abbrev: "ISO 8879:1986",
          GlossDef: {
            para: "A meta-markup language, used to create markup languages such as DocBook.",
            GlossSeeAlso: ["GML", "XML"],
          },
          GlossSee: "markup",
          empty_list: [],
          none_list: [null],
        },
      },
    },
  },
};
const before = { ...base, some_tuple: Object.freeze([1, 2, 3]), some_set: new Set([3, 1, 2]) };
const after = { ...base, some_tuple: [1, 2, 3], some_set: [1, 2, 3] };
const SEE_ALSO = "glossary/GlossDiv/GlossList/GlossEntry/GlossDef/GlossSeeAlso";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-reference-"));
});
afterAll(() => rm(directory, { recursive: true }));

interface Target {
  readonly sink: ArchiveSink;
  source(): Promise<ArchiveSource>;
}
let files = 0;
const TARGETS: readonly (readonly [string, () => Target])[] = [
  [
    "memory",
    () => {
      const sink = memorySink();
      return { sink, source: async () => sink.bytes() };
    },
  ],
  [
    "a Blob",
    () => {
      const sink = memorySink();
      return { sink, source: async () => new Blob([sink.bytes() as Uint8Array<ArrayBuffer>]) };
    },
  ],
  [
    "a file",
    () => {
      const path = join(directory, `${files++}`);
      return { sink: fileSink(path), source: async () => fileSource(path) };
    },
  ],
  [
    "a remote object",
    () => {
      const sink = memorySink();
      return { sink, source: async () => observedSource(sink.bytes()) };
    },
  ],
];

describe.each(TARGETS)("the glossary on %s", (_, make) => {
  for (const codec of CODECS) {
    for (const smallObjectThreshold of [0, 8192]) {
      for (const cacheBytes of [0, undefined]) {
        it(`${codec}, threshold ${smallObjectThreshold}, ${cacheBytes === 0 ? "not " : ""}cached`, async () => {
          const { sink, source } = make();
          await writeArchive(sink, before, { codec, smallObjectThreshold });
          const archive = await openArchive(await source(), { cacheBytes });
          expect(await archive.read(`${SEE_ALSO}/1`)).toBe("XML");
          expect(await archive.read("glossary/GlossDiv/GlossList/GlossEntry/empty_list")).toEqual([]);
          expect(await archive.read("glossary/GlossDiv/GlossList/GlossEntry/none_list/0")).toBeNull();
          expect(await archive.read()).toEqual(after);
          expect(await archive.size("glossary")).toBe(2);
          expect(await archive.has("glossary/missing")).toBe(false);
          expect(new Set(await archive.keys("glossary").toArray())).toEqual(new Set(["title", "GlossDiv"]));
          expect((await archive.entries("glossary").toArray()).map(([key]) => key)).toEqual([
            "title",
            "GlossDiv",
          ]);
          expect(await archive.size(SEE_ALSO)).toBe(2);
          const seen: unknown[] = [];
          for await (const [, item] of archive.entries(SEE_ALSO)) seen.push(item);
          expect(seen).toEqual(["GML", "XML"]);
          // The data are a document of the codec of their own.
          const { dataBytes } = archive.info;
          const whole = await collected(archive.raw());
          const data = whole.subarray(50, 50 + dataBytes);
          expect(dataBytes).toBeLessThan(whole.length);
          if (codec === "msgpack") expect(new Unpackr({ useRecords: false }).unpack(data)).toEqual(after);
          expect(await collected(archive.raw("some_set"))).toEqual(
            Uint8Array.of(codec === "msgpack" ? 0x93 : 0x83, 1, 2, 3),
          );
          await archive.close();
        });
      }
    }
  }

  it("a finished sink takes nothing more", async () => {
    const { sink } = make();
    await writeArchive(sink, 1);
    await expect(writeArchive(sink, 2)).rejects.toBeDefined();
  });
});

describe("200 floats: an entry each, blocks, or one leaf", () => {
  const floats = Array.from({ length: 200 }, (_, i) => i);
  for (const smallObjectThreshold of [256, 8192]) {
    for (const trivialSize of [4, 10]) {
      it(`threshold ${smallObjectThreshold}, trivial ${trivialSize}`, async () => {
        const archive = await openArchive(
          encodeArchive(floats.map(float64), { smallObjectThreshold, trivialSize }),
        );
        for (const path of ["invalid_index", "a:2:3:4", "a:2", "a:2:", "1.0", "0x1"]) {
          expect(await failure(archive.read(path))).toBe("bad-path");
        }
        expect(await archive.read("-202:")).toEqual([198, 199]);
        expect(await archive.read("398:")).toEqual([198, 199]);
        expect(await archive.read(":202")).toEqual([0, 1]);
        expect(await archive.read(":-398")).toEqual([0, 1]);
        expect(await archive.read([slice(null, 2)])).toEqual([0, 1]);
        const random = new Random(seed);
        const wanted = Array.from({ length: 400 }, () => random.integer(-200, 199));
        expect(await archive.readMany(wanted.map((index) => [index]))).toEqual(
          wanted.map((i) => floats.at(i)),
        );
        expect(await archive.read()).toEqual(floats);
      });
    }
  }

  it("under keys: a leaf of 200 entries", async () => {
    for (const smallObjectThreshold of [256, 8192]) {
      for (const trivialSize of [4, 10]) {
        const record = Object.fromEntries(floats.map((n) => [`key ${n}`, float64(n)]));
        const archive = await openArchive(encodeArchive(record, { smallObjectThreshold, trivialSize }));
        expect(await archive.has("no such key")).toBe(false);
        expect(await archive.size()).toBe(200);
        expect(await archive.keys().toArray()).toHaveLength(200);
        expect(await archive.entries().toArray()).toHaveLength(200);
      }
    }
  });
});

describe.each(TARGETS)("combined archives on %s", (_, make) => {
  it("by name, combined again, and as a list", async () => {
    const list = Array.from({ length: 30 }, (_item, i) => i);
    const written = async (value: unknown): Promise<ArchiveSource> => {
      const { sink, source } = make();
      await writeArchive(sink, value);
      return source();
    };
    const inner = make();
    await combineArchives(inner.sink, [
      { name: "first_inner", source: await written(list) },
      { name: "second_inner", source: await written(base) },
      { name: "third_inner", source: await written(null) },
    ]);
    const outer = make();
    await combineArchives(outer.sink, [
      { name: "first_outer", source: await inner.source() },
      { name: "second_outer", source: await inner.source() },
    ]);
    const archive = await openArchive(await outer.source());
    expect(await archive.read("first_outer//second_inner/glossary/title")).toBe("example glossary");
    for (const read of ["read", "get"] as const) {
      const at = (segment: string): Promise<unknown> =>
        (archive[read] as (path: string) => Promise<unknown>).call(
          archive,
          `first_outer/first_inner/${segment}`,
        );
      expect(await at("2")).toBe(2);
      expect(await at("-1")).toBe(29);
      expect(await at("0:2")).toEqual([0, 1]);
      expect(await at(":2")).toEqual([0, 1]);
      expect(await at("28:")).toEqual([28, 29]);
      expect(await at("24:2:30")).toEqual([24, 26, 28]);
      expect(await at(":2:5")).toEqual([0, 2, 4]);
      expect(await at("24:2:")).toEqual([24, 26, 28]);
    }
    expect(await archive.read("second_outer/third_inner")).toBeNull();
    const child = await collected(archive.raw("first_outer"));
    const original = await inner.source();
    const originalBytes =
      original instanceof Uint8Array ? original : await collected((await openArchive(original)).raw());
    expect(firstDifference(child, originalBytes)).toBeUndefined();
    expect(await (await openArchive(child)).read("second_inner/glossary/title")).toBe("example glossary");

    const asList = make();
    await combineArchives(asList.sink, [
      { source: await inner.source() },
      { source: await openArchive(await written({ key: [1] })) },
      { value: { key: "in memory" } },
    ]);
    const listed = await openArchive(await asList.source());
    expect(await listed.read("0/first_inner/2")).toBe(2);
    expect(await listed.read("1/key/0")).toBe(1);
    expect(await listed.read("2/key")).toBe("in memory");
    expect(await listed.read(["0", "first_inner"])).toEqual(list);
  });
});

describe("large containers: headers of each width", () => {
  for (const codec of CODECS) {
    for (const count of [65_537, 257, 50]) {
      it(`${codec}, ${count} entries`, async () => {
        const list = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? `item ${i}` : i));
        const map = Object.fromEntries(list.map((item, i) => [`k${i}`, item]));
        for (const value of [list, map]) {
          const archive = await openArchive(encodeArchive(value, { codec }));
          expect(await archive.read()).toEqual(value);
          const sink = memorySink();
          await writeArchive(sink, archive, { codec });
          expect(await (await openArchive(sink.bytes())).read()).toEqual(value);
        }
      });
    }
  }
});

/** A random tree of maps, lists, long lists of one number, and leaves. */
function randomTree(random: Random, width: number, depth: number): unknown {
  if (depth === 0)
    return random.pick([random.integer(0, 1e6), random.unit(), random.chance(0.5), `token ${random.unit()}`]);
  switch (random.integer(0, 3)) {
    case 0:
      return Array.from({ length: random.integer(1, width) }, () => randomTree(random, width, depth - 1));
    case 1:
      return Array.from({ length: random.integer(100, 4000) }, () => depth);
    default: {
      const entries = Array.from({ length: random.integer(1, width) }, (_, i) => [
        `key ${i}`,
        randomTree(random, width, depth - 1),
      ]);
      return Object.fromEntries(entries);
    }
  }
}

describe(`a large random document (PEEKPACK_SEED=${seed})`, () => {
  const random = new Random(seed);
  const tree = Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => [`root ${i}`, randomTree(random, 6, 5)]),
  );
  const leaves = [...places(tree)].filter(({ value }) => typeof value !== "object");

  it("up to 1000 random leaves are read right, and the whole", async () => {
    for (const codec of CODECS) {
      const archive = await openArchive(observedSource(encodeArchive(tree, { codec })));
      for (let n = 0; n < Math.min(1000, leaves.length); n++) {
        const { path, value } = random.pick(leaves);
        expect(await archive.read(path as Path)).toEqual(value);
      }
      expect(await archive.read()).toEqual(tree);
    }
  });

  it("walking all of it by handles, at several thresholds", async () => {
    for (let power = 8; power <= 16; power += 4) {
      const archive = await openArchive(encodeArchive(tree, { smallObjectThreshold: 2 ** power }));
      expect(await unfolded(await archive.get())).toEqual(tree);
    }
  });

  it("repacked through an uncached reader it is the same bytes", async () => {
    for (const codec of CODECS) {
      for (const profile of ["python", "rust"] as const) {
        const bytes = encodeArchive(tree, { codec, profile });
        const archive = await openArchive(observedSource(bytes), { cacheBytes: 0, readAhead: 0 });
        const sink = memorySink();
        await writeArchive(sink, archive, { codec, profile });
        expect(firstDifference(sink.bytes(), bytes)).toBeUndefined();
        const root = await archive.get();
        expect(root).toBeInstanceOf(LazyMap);
      }
    }
  });
});

/** A value put together from handles, one by one. */
async function unfolded(value: unknown): Promise<unknown> {
  if (value instanceof LazyList) {
    const items: unknown[] = [];
    for await (const item of value) items.push(await unfolded(item));
    return items;
  }
  if (!(value instanceof LazyMap)) return value;
  const entries: [string, unknown][] = [];
  for await (const [key, item] of value) entries.push([key as string, await unfolded(item)]);
  return Object.fromEntries(entries);
}

describe("streaming containers", () => {
  it("one-shot generators of entries and items read back whole", async () => {
    for (const codec of CODECS) {
      for (const profile of ["python", "rust"] as const) {
        const entries = function* (): Generator<[string, number]> {
          for (let i = 0; i < 1000; i++) yield [`key ${i}`, i];
        };
        const items = function* (): Generator<number> {
          for (let i = 0; i < 20_000; i++) yield i;
        };
        const sink = memorySink();
        await writeArchive(
          sink,
          { map: mapOf(entries()), list: listOf(items()), bare: items() },
          { codec, profile },
        );
        const plain = { map: Object.fromEntries(entries()), list: [...items()], bare: [...items()] };
        expect(firstDifference(sink.bytes(), encodeArchive(plain, { codec, profile }))).toBeUndefined();
        expect(await (await openArchive(sink.bytes())).read()).toEqual(plain);
      }
    }
  });
});

it("the archive that a file holds is the one that memory holds", async () => {
  const path = join(directory, "same");
  await writeArchive(fileSink(path), before);
  expect(firstDifference(new Uint8Array(await readFile(path)), encodeArchive(before))).toBeUndefined();
  const archive: Archive = await openArchive(fileSource(path));
  expect(await archive.read()).toEqual(after);
  await archive.close();
});
