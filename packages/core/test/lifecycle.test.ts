import { describe, expect, it } from "vitest";
import {
  type Archive,
  type Codec,
  combineArchives,
  encodeArchive,
  type LazyList,
  type LazyMap,
  memorySink,
  openArchive,
  writeArchive,
} from "../src/index.js";
import { observedSource } from "./observed-source.js";
import { caught, failure } from "./outcome.js";

const value = {
  list: Array.from({ length: 200 }, (_, i) => `item ${i} ${"x".repeat(50)}`),
  map: { a: "y".repeat(500) },
};
const bytes = encodeArchive(value, { smallObjectThreshold: 100 });

/** Lets through, or makes wait. */
class Gate {
  #opened = Promise.resolve();
  open = (): void => {};

  close(): void {
    this.#opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  passed(): Promise<void> {
    return this.#opened;
  }
}

/** Everything that reads, each with its options. */
const READS: readonly (readonly [string, (archive: Archive, signal?: AbortSignal) => Promise<unknown>])[] = [
  ["get", (archive, signal) => archive.get("map/a", { signal })],
  ["read", (archive, signal) => archive.read("list", { signal })],
  ["readMany", (archive, signal) => archive.readMany(["list/0", "map"], { signal })],
  ["entries", (archive, signal) => archive.entries("list", { signal }).toArray()],
  ["select", (archive, signal) => archive.select("list/*", { signal }).toArray()],
  [
    "raw",
    (archive, signal) => Promise.resolve().then(() => archive.raw("list", { signal }).getReader().read()),
  ],
];

describe("a closed archive", () => {
  it.each(READS)("rejects %s with closed", async (_, read) => {
    for (const source of [bytes, observedSource(bytes), new Blob([bytes as Uint8Array<ArrayBuffer>])]) {
      const archive = await openArchive(source);
      await archive.close();
      expect(await failure(read(archive))).toBe("closed");
    }
  });

  it("closes its source, once; its handles read nothing more", async () => {
    const source = observedSource(bytes);
    const archive = await openArchive(source, { cacheBytes: 0 });
    const map = (await archive.get("map")) as LazyMap;
    const list = (await archive.get("list")) as LazyList;
    await archive.close();
    await archive.close();
    expect(source.closed).toBe(true);
    const reads = [
      map.get("a"),
      map.toValue(),
      map.entries().toArray(),
      list.at(0),
      list.slice(0, 2),
      list.toValue(),
      list.values().toArray(),
      list.toTypedArray("int8"),
    ];
    expect(new Set(await Promise.all(reads.map(failure)))).toEqual(new Set(["closed"]));
    // What the table says is still known.
    expect(await map.has("a")).toBe(true);
    expect(list.length).toBe(200);
    expect(await failure(writeArchive(memorySink(), archive))).toBe("closed");
    expect(await failure(combineArchives(memorySink(), [{ source: archive }]))).toBe("closed");
  });

  it("ends reads that are under way", async () => {
    const gate = new Gate();
    const source = observedSource(bytes, { pause: () => gate.passed() });
    const archive = await openArchive(source, { tailBytes: 0, headBytes: 50 });
    gate.close();
    const reading = READS.filter(([name]) => name !== "raw").map(([, read]) => failure(read(archive)));
    await archive.close();
    expect(new Set(await Promise.all(reading))).toEqual(new Set(["closed"]));
  });
});

describe("an abort rejects with the signal's own reason", () => {
  it.each(READS)("%s, aborted before", async (_, read) => {
    const reason = new Error("own");
    for (const source of [bytes, observedSource(bytes)]) {
      const archive = await openArchive(source);
      expect(await caught(read(archive, AbortSignal.abort(reason)))).toBe(reason);
      expect(await failure(read(archive))).toBe("no error");
    }
  });

  it.each(READS)("%s, aborted on the way; others go on", async (_, read) => {
    const gate = new Gate();
    const source = observedSource(bytes, { pause: () => gate.passed() });
    const archive = await openArchive(source, { cacheBytes: 0, tailBytes: 0, headBytes: 50 });
    gate.close();
    const controller = new AbortController();
    const aborted = caught(read(archive, controller.signal));
    const other = failure(read(archive));
    await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort("reason");
    gate.open();
    expect(await aborted).toBe("reason");
    expect(await other).toBe("no error");
  });

  it("opening, before and on the way", async () => {
    expect(await caught(openArchive(bytes, { signal: AbortSignal.abort("before") }))).toBe("before");
    const controller = new AbortController();
    const source = observedSource(bytes, { pause: () => new Promise((resolve) => setTimeout(resolve, 20)) });
    const opening = caught(openArchive(source, { signal: controller.signal }));
    controller.abort("on the way");
    expect(await opening).toBe("on the way");
    // The signal is for opening only.
    const later = new AbortController();
    const archive = await openArchive(observedSource(bytes), { signal: later.signal });
    later.abort();
    expect(await archive.read("map/a")).toBe(value.map.a);
  });

  it("of one caller leaves a child archive open to the others", async () => {
    const sink = memorySink();
    await combineArchives(sink, [{ name: "c", source: bytes }]);
    const source = observedSource(sink.bytes(), {
      pause: () => new Promise((resolve) => setTimeout(resolve, 15)),
    });
    const archive = await openArchive(source, { tailBytes: 64 });
    const controller = new AbortController();
    const aborted = caught(archive.read("c/map/a", { signal: controller.signal }));
    const other = archive.read("c/map/a");
    controller.abort("mine");
    expect(await aborted).toBe("mine");
    expect(await other).toBe(value.map.a);
  });
});

describe("custom codecs", () => {
  class Point {
    readonly x: number;
    constructor(x: number) {
      this.x = x;
    }
  }

  it.each(["msgpack", "cbor"] as const)("take over single values of %s, and decoding", async (protocol) => {
    const points: Codec = {
      protocol,
      encode: (given) =>
        given instanceof Point
          ? protocol === "msgpack"
            ? Uint8Array.of(0xd4, 7, given.x)
            : Uint8Array.of(0xc7, given.x)
          : undefined,
    };
    const encoded = encodeArchive({ list: [new Point(3), 1, "a", new Date(0)] }, { codec: points });
    const plain = await openArchive(encoded);
    expect(plain.info.codec).toBe(protocol);
    expect(await plain.read("list/1")).toBe(1);
    expect(await plain.read("list/3")).toEqual(new Date(0));

    const calls: number[] = [];
    const decoding: Codec = {
      protocol,
      decode(given, count, { maps, limits }) {
        expect(maps).toBe("object");
        expect(limits.maxDepth).toBe(1000);
        calls.push(given.length);
        return Array.from({ length: count }, () => "decoded");
      },
    };
    const archive = await openArchive(encoded, { codec: decoding });
    expect(await archive.read()).toBe("decoded");
    expect(calls).toEqual([archive.info.dataBytes]);
    // What is not well-formed never reaches it.
    const damaged = Uint8Array.from(encoded);
    damaged[50] = protocol === "msgpack" ? 0xc1 : 0xff;
    expect(await failure((await openArchive(damaged, { codec: decoding })).read())).toBe("corrupt");
    expect(calls).toHaveLength(1);
    // Repacking copies bytes, also those of a list of blocks.
    const blocks = encodeArchive(
      Array.from({ length: 20_000 }, (_, i) => i),
      { codec: protocol },
    );
    const sink = memorySink();
    await writeArchive(sink, await openArchive(blocks, { codec: { protocol } }), { codec: protocol });
    expect(sink.bytes()).toEqual(blocks);
  });

  it("of the wrong protocol, or that decode wrongly, are TypeErrors", async () => {
    const packed = encodeArchive([1]);
    expect(await failure(openArchive(packed, { codec: { protocol: "cbor" } }))).toBeInstanceOf(TypeError);
    const none: Codec = { protocol: "msgpack", decode: () => [] };
    expect(await failure((await openArchive(packed, { codec: none })).read())).toBeInstanceOf(TypeError);
  });

  it("are for archives of their protocol: others inside have the built-in decoder", async () => {
    const sink = memorySink();
    await combineArchives(sink, [
      { name: "msgpack", value: "m" },
      { name: "cbor", source: encodeArchive("c", { codec: "cbor" }) },
    ]);
    const codec: Codec = { protocol: "msgpack", decode: (_, count) => Array(count).fill("own") };
    const archive = await openArchive(sink.bytes(), { codec });
    expect(await archive.read("cbor")).toBe("c");
    const [first] = (await archive.entries().toArray()) as [unknown, unknown][];
    expect(first![1]).toBe("own");
  });
});
