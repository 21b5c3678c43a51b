import { describe, expect, it } from "vitest";
import { type Archive, combineArchives, encodeArchive, memorySink, openArchive } from "../src/index.js";
import { slowSource } from "../src/testing.js";
import { observedSource } from "./observed-source.js";
import { failure } from "./outcome.js";
import { everyKind } from "./places.js";

const CODECS = ["msgpack", "cbor"] as const;
const document = everyKind();

describe.each(CODECS)("an index kept, in %s", (codec) => {
  const bytes = encodeArchive(document, { codec, smallObjectThreshold: 256 });

  it("opens without a request, and holds reads to the version it was made from", async () => {
    const first = await openArchive(observedSource(bytes, { version: '"v1"' }));
    const index = first.index();
    expect(index).toBeInstanceOf(Uint8Array);
    const source = observedSource(bytes, { version: '"v1"' });
    const again = await openArchive(source, { index });
    expect(source.requests).toBe(0);
    expect(source.held).toEqual({ size: bytes.length, version: '"v1"' });
    expect(again.info).toEqual(first.info);
    expect(await again.keys().toArray()).toEqual(Object.keys(document));
    expect(await again.has("map/second/third")).toBe(true);
    expect(await again.size("blocks")).toBe(300);
    expect(source.requests).toBe(0);
    expect(await again.read()).toEqual(document);
    expect(again.index()).toEqual(index);

    const changed = observedSource(bytes, { version: '"v2"' });
    const stale = await openArchive(changed, { index });
    expect(changed.requests).toBe(0);
    expect(await failure(stale.read("text"))).toBe("changed");
  });

  it("serves an object without a version, by its size", async () => {
    const index = (await openArchive(bytes)).index();
    const source = observedSource(bytes);
    const again = await openArchive(source, { index });
    expect(source.held).toEqual({ size: bytes.length, version: undefined });
    expect(await again.read("leaf/b")).toEqual([1, 2, { c: [3] }]);
    expect(await failure(openArchive(bytes.subarray(1), { index }))).toBe("changed");
  });

  it("of an archive inside a larger object knows where it starts", async () => {
    const object = new Uint8Array(1000 + bytes.length).fill(9);
    object.set(bytes, 1000);
    const index = (await openArchive(object, { offset: 1000, size: bytes.length })).index();
    const source = observedSource(object);
    const again = await openArchive(source, { index });
    expect(again.info.offset).toBe(1000);
    expect(await again.read("map/second/fourth/1")).toEqual([1, 2, 3]);
    expect(source.ranges.every(({ start }) => start >= 1050)).toBe(true);
  });

  it("of a combined archive opens children when they are wanted", async () => {
    const sink = memorySink();
    await combineArchives(
      sink,
      ["a", "b"].map((name) => ({ name, source: bytes })),
      { codec },
    );
    const index = (await openArchive(sink.bytes())).index();
    const source = observedSource(sink.bytes());
    const again = await openArchive(source, { index });
    expect(await again.keys().toArray()).toEqual(["a", "b"]);
    expect(source.requests).toBe(0);
    expect(await again.read("b/leaf/a")).toBe(1);
    expect(source.ranges.every(({ start }) => start >= 50 + bytes.length)).toBe(true);
  });

  it("that is cut, changed or something else is refused, or never leads astray", async () => {
    const index = (await openArchive(bytes)).index();
    for (const wrong of [
      new Uint8Array(0),
      bytes,
      index.subarray(0, 20),
      index.subarray(0, index.length - 1),
      index.subarray(1),
    ]) {
      expect(await failure(openArchive(bytes, { index: wrong }))).toBe("corrupt");
    }
    for (let at = 0; at < index.length; at += at < 200 ? 1 : 37) {
      const wrong = Uint8Array.from(index);
      wrong[at]! ^= 0xff;
      const outcome = await failure(async () => (await openArchive(bytes, { index: wrong })).read("map"));
      expect([
        "no error",
        "corrupt",
        "changed",
        "truncated",
        "not-an-archive",
        "not-found",
        "limit",
        "unfinished",
      ]).toContain(outcome);
    }
  });
});

describe("opening inside a larger object", () => {
  const bytes = encodeArchive(document, { smallObjectThreshold: 256 });
  const object = new Uint8Array(5000 + bytes.length + 3000).fill(9);
  object.set(bytes, 5000);

  it("with the size: header and table in one trip", async () => {
    const source = observedSource(object);
    const archive = await openArchive(source, { offset: 5000, size: bytes.length });
    expect(archive.info).toMatchObject({ offset: 5000, size: bytes.length, kind: "map" });
    expect(source.ranges.every(({ start, end }) => start >= 5000 && end <= 5000 + bytes.length)).toBe(true);
    expect(await archive.read()).toEqual(document);
  });

  it("without: header first, then the table", async () => {
    const source = observedSource(object);
    const archive = await openArchive(source, { offset: 5000 });
    expect(source.ranges).toHaveLength(2);
    expect(await archive.read()).toEqual(document);
  });

  it("at a place that is none", async () => {
    expect(await failure(openArchive(object, { offset: 4999 }))).toBe("not-an-archive");
    expect(await failure(openArchive(object, { offset: object.length - 10 }))).toBe("truncated");
    expect(await failure(openArchive(object, { offset: object.length + 10 }))).toBe("truncated");
    expect(await failure(openArchive(object, { offset: 5000, size: bytes.length - 1 }))).toBe("truncated");
    expect(await failure(openArchive(object, { offset: 5000, size: 20 }))).toBe("truncated");
    expect(await failure(openArchive(bytes, { size: bytes.length - 1 }))).toBe("truncated");
  });
});

describe("what opening and reading cost", () => {
  const bytes = encodeArchive(
    Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, { a: i, b: "x".repeat(20_000) }])),
  );

  it("one request opens where the table lies at the end, and reads of one turn share theirs", async () => {
    const source = observedSource(bytes);
    const archive = await openArchive(source);
    expect(source.requests).toBe(1);
    expect(await archive.readMany(["k0/a", "k1/a", "k2/a", "k1/a"])).toEqual([0, 1, 2, 1]);
    expect(source.requests).toBeLessThanOrEqual(4);
    const { requests } = source;
    expect(await archive.readMany(["k0/a", "k1/a"])).toEqual([0, 1]);
    expect(source.requests).toBe(requests);
  });

  it("two, where the table is longer than what was read of the end", async () => {
    const source = observedSource(bytes);
    await openArchive(source, { tailBytes: 100 });
    expect(source.requests).toBe(2);
  });

  it("is counted", async () => {
    const archive: Archive = await openArchive(
      slowSource(observedSource(bytes), { latencyMs: 0, bytesPerMs: 1e9 }),
    );
    const opened = archive.stats;
    expect(opened.requests).toBeGreaterThan(0);
    await archive.read("k7/a");
    const read = archive.stats;
    expect(read.requests).toBe(opened.requests + 1);
    expect(read.bytes).toBeGreaterThan(opened.bytes);
    await archive.read("k7/a");
    expect(archive.stats).toMatchObject({ requests: read.requests, cacheHits: read.cacheHits + 1 });
  });
});
