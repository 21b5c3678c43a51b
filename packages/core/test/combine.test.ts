import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSink, fileSource } from "@peekpack/node-storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ArchiveSink,
  appendArchives,
  type CombineChild,
  combineArchives,
  encodeArchive,
  memorySink,
  openArchive,
  writeArchive,
} from "../src/index.js";
import { firstDifference } from "./bytes.js";
import { observedSource } from "./observed-source.js";
import { caught, collected, failure } from "./outcome.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-combine-"));
});
afterAll(() => rm(directory, { recursive: true }));

const CODECS = ["msgpack", "cbor"] as const;
const list = encodeArchive(Array.from({ length: 30 }, (_, i) => i));
const map = encodeArchive({ k: "v", long: "x".repeat(300) }, { codec: "cbor", smallObjectThreshold: 100 });

/** A sink that writes down what is done with it. */
function recorded(failAt?: number): ArchiveSink & { writes: number; aborted: boolean; finished: boolean } {
  const sink = {
    writes: 0,
    aborted: false,
    finished: false,
    async write(): Promise<void> {
      if (++sink.writes === failAt) throw new Error("the medium is full");
    },
    async finish() {
      sink.finished = true;
      return { size: 0 };
    },
    async abort() {
      sink.aborted = true;
    },
  };
  return sink;
}

async function combined(
  children: readonly CombineChild[],
  codec: "msgpack" | "cbor" = "msgpack",
): Promise<Uint8Array> {
  const sink = memorySink();
  const { size } = await combineArchives(sink, children, { codec });
  expect(size).toBe(sink.bytes().length);
  return sink.bytes();
}

describe.each(CODECS)("combining into %s", (codec) => {
  it("takes children from bytes, Blobs, sources, files, open archives and values", async () => {
    const file = join(directory, `child-${codec}`);
    await writeFile(file, map);
    const bytes = await combined(
      [
        { name: "bytes", source: list },
        { name: "blob", source: new Blob([map as Uint8Array<ArrayBuffer>]) },
        { name: "buffer", source: Uint8Array.from(list).buffer },
        { name: "source", source: observedSource(map) },
        { name: "file", source: fileSource(file) },
        { name: "archive", source: await openArchive(map) },
        { name: "value", value: { n: null } },
        { name: "__proto__", value: 1 },
        { name: "10", value: 2 },
        { name: "", value: 3 },
      ],
      codec,
    );
    const archive = await openArchive(bytes);
    expect(archive.info).toMatchObject({ codec, kind: "combined-map" });
    expect(await archive.keys().toArray()).toEqual([
      "bytes",
      "blob",
      "buffer",
      "source",
      "file",
      "archive",
      "value",
      "__proto__",
      "10",
      "",
    ]);
    for (const [name, child] of [
      ["bytes", list],
      ["blob", map],
      ["buffer", list],
      ["source", map],
      ["file", map],
      ["archive", map],
      ["value", encodeArchive({ n: null }, { codec })],
      ["__proto__", encodeArchive(1, { codec })],
    ] as const) {
      expect(firstDifference(await collected(archive.raw([name])), child)).toBeUndefined();
    }
    expect(await archive.read([""])).toBe(3);
    const all = (await archive.read()) as Record<string, unknown>;
    expect(Object.getOwnPropertyDescriptor(all, "__proto__")?.value).toBe(1);
  });

  it("nests ten levels deep and more, by name and as lists, and repacks as one archive", async () => {
    let bytes = map;
    const path: (string | number)[] = [];
    for (let level = 0; level < 12; level++) {
      const named = level % 3 !== 1;
      bytes = await combined(
        named
          ? [
              { name: "other", source: list },
              { name: `level ${level}`, source: bytes },
            ]
          : [{ source: list }, { source: bytes }],
        level % 2 === 0 ? codec : "cbor",
      );
      path.unshift(named ? `level ${level}` : 1);
    }
    const archive = await openArchive(observedSource(bytes));
    expect(await archive.read([...path, "k"])).toBe("v");
    expect(firstDifference(await collected(archive.raw(path)), map)).toBeUndefined();
    expect(await archive.read(["other", -1])).toBe(29);
    const sink = memorySink();
    await writeArchive(sink, archive, { codec });
    expect(await (await openArchive(sink.bytes())).read()).toEqual(await archive.read());
  });

  it("consumes iterables of children one by one", async () => {
    const events: string[] = [];
    async function* children(): AsyncGenerator<CombineChild> {
      for (const name of ["a", "b", "c"]) {
        events.push(name);
        yield { name, value: [name] };
      }
    }
    const sink = memorySink();
    const watched: ArchiveSink = {
      ...sink,
      async write(chunk) {
        events.push("write");
        await sink.write(chunk);
      },
    };
    await combineArchives(watched, children(), { codec });
    expect(events.slice(0, 5)).toEqual(["a", "write", "b", "write", "c"]);
    expect(await (await openArchive(sink.bytes())).read()).toEqual({ a: ["a"], b: ["b"], c: ["c"] });
    const fromSet = memorySink();
    await combineArchives(fromSet, new Set([{ source: list }, { source: map }]));
    expect(await (await openArchive(fromSet.bytes())).size()).toBe(2);
  });

  it("appends in the codec that the target has, and leaves the target as it is until the end", async () => {
    const target = join(directory, `target-${codec}`);
    await combineArchives(fileSink(target), [{ name: "x", source: list }], { codec });
    const before = await readFile(target);
    const sink = fileSink(target);
    const late: ArchiveSink = {
      ...sink,
      write: (chunk) => sink.write(chunk),
      abort: (reason) => sink.abort(reason),
      async finish(header) {
        expect(Buffer.compare(await readFile(target), before)).toBe(0);
        return sink.finish(header);
      },
    };
    await appendArchives({ source: fileSource(target), sink: late }, [
      { name: "y", source: map },
      { name: "z", value: [1] },
    ]);
    const archive = await openArchive(fileSource(target));
    expect(archive.info).toMatchObject({ codec, kind: "combined-map" });
    expect(await archive.keys().toArray()).toEqual(["x", "y", "z"]);
    expect(await archive.read("y/k")).toBe("v");
    // A value is encoded in the target's codec, whatever the options might say.
    expect(firstDifference(await collected(archive.raw("z")), encodeArchive([1], { codec }))).toBeUndefined();
    // The same bytes as if all had been combined at once.
    const once = await combined(
      [
        { name: "x", source: list },
        { name: "y", source: map },
        { name: "z", source: encodeArchive([1], { codec }) },
      ],
      codec,
    );
    expect(firstDifference(new Uint8Array(await readFile(target)), once)).toBeUndefined();
    await archive.close();
  });
});

describe("invalid children", () => {
  const named = { name: "x", source: list };
  const unnamed = { source: list };
  const plain = new TextEncoder().encode(
    "no archive at all, but longer than the header of an archive would be",
  );
  const cases: readonly (readonly [string, unknown, string | (new () => Error)])[] = [
    ["no children", [], "unsupported-value"],
    ["names on some children only", [named, unnamed], "unsupported-value"],
    ["names on some children only, in another order", [unnamed, named], "unsupported-value"],
    ["a name twice", [named, { name: "y", value: 1 }, { ...named }], "duplicate-name"],
    ["a source that is not an archive", [unnamed, { source: plain }], "not-an-archive"],
    ["an empty source", [unnamed, { source: new Uint8Array(0) }], "not-an-archive"],
    ["half an archive", [unnamed, { source: map.subarray(0, map.length - 1) }], "truncated"],
    [
      "an unfinished archive",
      [unnamed, { source: Uint8Array.from(map, (b, i) => (i < 30 ? b : 0)) }],
      "unfinished",
    ],
    ["a child that is a number", [unnamed, 5], TypeError],
    ["a child without source and value", [unnamed, {}], TypeError],
    ["a child with both", [unnamed, { source: list, value: 1 }], TypeError],
    ["a name that is a number", [{ name: 5, value: 1 }], TypeError],
    ["a source that is a number", [unnamed, { source: 5 }], TypeError],
  ];
  it.each(cases)("rejects %s", async (_, children, expected) => {
    const sink = recorded();
    const found = await failure(combineArchives(sink, children as CombineChild[]));
    if (typeof expected === "string") expect(found).toBe(expected);
    else expect(found).toBeInstanceOf(expected);
    expect(sink).toMatchObject({ writes: 0, aborted: true, finished: false });
  });

  it("writes the same bytes again if nothing is appended", async () => {
    for (const codec of CODECS) {
      const source = await combined([named], codec);
      const sink = memorySink();
      await appendArchives({ source, sink }, []);
      expect(firstDifference(sink.bytes(), source)).toBeUndefined();
    }
  });

  it.each(cases.slice(1))("appending: %s", async (_, children, expected) => {
    const sink = recorded();
    const source = await combined([{ source: map }]);
    const found = await failure(appendArchives({ source, sink }, children as CombineChild[]));
    // To an unnamed archive nothing named can be appended, which is found first.
    if (typeof expected === "string") expect([expected, "unsupported-value"]).toContain(found);
    else expect(found).toBeInstanceOf(expected);
    expect(sink).toMatchObject({ writes: 0, aborted: true, finished: false });
  });

  it("rejects names that the target has, and a target that is not combined", async () => {
    const byName = await combined([named]);
    const byIndex = await combined([unnamed]);
    const child = { source: map };
    for (const [source, children, expected] of [
      [byName, [{ ...child, name: "x" }], "duplicate-name"],
      [byName, [child], "unsupported-value"],
      [byIndex, [{ ...child, name: "y" }], "unsupported-value"],
      [map, [{ ...child, name: "y" }], "unsupported-value"],
      [list, [child], "unsupported-value"],
      [plain, [child], "not-an-archive"],
    ] as const) {
      for (const inPlace of [false, true]) {
        const sink = recorded();
        expect(await failure(appendArchives({ source, sink, inPlace }, children))).toBe(expected);
        expect(sink).toMatchObject({ writes: 0, aborted: true, finished: false });
      }
    }
  });

  it("combines a file into itself, and appends a file to itself", async () => {
    const file = join(directory, "self");
    await combineArchives(fileSink(file), [named]);
    const before = await readFile(file);
    const children = [named, { name: "self", source: fileSource(file) }];
    expect(await failure(combineArchives(fileSink(file), children))).toBe("unsupported-value");
    expect(
      await failure(appendArchives({ source: fileSource(file), sink: fileSink(file) }, [children[1]!])),
    ).toBe("unsupported-value");
    const opened = await openArchive(fileSource(file));
    expect(await failure(combineArchives(fileSink(file), [{ source: opened }]))).toBe("unsupported-value");
    expect(Buffer.compare(await readFile(file), before)).toBe(0);
    expect((await readdir(directory)).filter((name) => name.startsWith("self"))).toEqual(["self"]);
    await opened.close();
  });
});

describe("an array of children", () => {
  const KiB = 1024;
  const short = encodeArchive("x".repeat(31 * KiB));
  const long = encodeArchive("x".repeat(40 * KiB));

  it("is checked 32 at a time, and its short children are read once", async () => {
    let checking = 0;
    let most = 0;
    const pause = async (): Promise<void> => {
      most = Math.max(most, ++checking);
      await new Promise((resolve) => setTimeout(resolve, 5));
      checking--;
    };
    const sources = Array.from({ length: 70 }, () => observedSource(list, { local: true, pause }));
    const last = observedSource(long, { local: true });
    const bytes = await combined([...sources, last].map((source) => ({ source })));
    expect(most).toBe(32);
    expect(sources.map(({ requests }) => requests)).toEqual(sources.map(() => 1));
    expect([last.probes.length, last.ranges.length]).toEqual([1, 1]);
    const archive = await openArchive(bytes);
    expect([await archive.size(), await archive.read("69/29"), await archive.read("-1")]).toEqual([
      71,
      29,
      "x".repeat(40 * KiB),
    ]);
  });

  it("keeps at most 16 MiB of short children in memory, and reads the others again", async () => {
    const source = observedSource(short, { local: true });
    await combineArchives(
      recorded(),
      Array.from({ length: 600 }, () => ({ source })),
    );
    expect(source.probes.length).toBe(600);
    expect(source.ranges.length).toBe(600 - Math.floor((16 * KiB * KiB) / short.length));
  });

  it("rejects with changed if a long child changes between its check and its copy", async () => {
    const source = observedSource(long, { local: true, version: "1" });
    const sink = recorded();
    const changing: ArchiveSink = {
      ...sink,
      async write() {
        source.version = "2";
      },
    };
    expect(await failure(combineArchives(changing, [{ source: list }, { source }]))).toBe("changed");
  });

  it("rejects with the failure of the first wrong child, before anything is written", async () => {
    const slow = observedSource(new Uint8Array(100), {
      local: true,
      label: "slow",
      pause: () => new Promise((resolve) => setTimeout(resolve, 20)),
    });
    const sink = recorded();
    const children = [{ source: list }, { source: slow }, { source: new Uint8Array(3) }];
    expect(await caught(combineArchives(sink, children))).toMatchObject({
      code: "not-an-archive",
      message: expect.stringContaining("slow"),
    });
    expect(sink.writes).toBe(0);
  });
});

describe("a failure while children are written", () => {
  it("leaves no new archive and the old one unchanged", async () => {
    const file = join(directory, "survivor");
    await combineArchives(fileSink(file), [{ name: "x", source: list }]);
    const before = await readFile(file);
    const names = await readdir(directory);
    const own = new Error("own");
    async function* breaking(): AsyncGenerator<CombineChild> {
      yield { name: "y", source: map };
      throw own;
    }
    const bad = { name: "bad", value: { f: () => 1 } };
    for (const [children, expected] of [
      [() => breaking(), own],
      [() => [{ name: "y", value: 1 }, bad], "unsupported-value"],
      [
        () =>
          [
            { name: "y", value: 1 },
            { name: "y", value: 2 },
          ].values(),
        "duplicate-name",
      ],
    ] as const) {
      const given = children as () => CombineChild[];
      expect(await failure(appendArchives({ source: fileSource(file), sink: fileSink(file) }, given()))).toBe(
        expected,
      );
      expect(await failure(combineArchives(fileSink(file), given()))).toBe(expected);
    }
    expect(await caught(combineArchives(memorySink(), [bad]))).toMatchObject({ path: ["f"] });
    expect(Buffer.compare(await readFile(file), before)).toBe(0);
    expect(await readdir(directory)).toEqual(names);
  });

  it("aborts the sink, and rejects with the sink's error", async () => {
    for (const failAt of [1, 2]) {
      const sink = recorded(failAt);
      const error = await caught(combineArchives(sink, [{ source: list }, { source: map }]));
      expect(error).toMatchObject({ message: "the medium is full" });
      expect(sink).toMatchObject({ aborted: true, finished: false });
    }
  });

  it("rejects with the signal's reason after an abort", async () => {
    const signal = AbortSignal.abort("enough");
    const sink = recorded();
    expect(await failure(combineArchives(sink, [{ source: list }], { signal }))).toBe("enough");
    expect(sink.aborted).toBe(true);
    const source = await combined([{ source: list }]);
    expect(await failure(appendArchives({ source, sink: recorded() }, [{ source: list }], { signal }))).toBe(
      "enough",
    );
  });
});
