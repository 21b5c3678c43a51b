import { describe, expect, it } from "vitest";
import { type Archive, combineArchives, encodeArchive, memorySink, openArchive } from "../src/index.js";
import { slowSource } from "../src/testing.js";
import { observedSource } from "./observed-source.js";
import { failure } from "./outcome.js";
import { everyKind } from "./places.js";

const CODECS = ["msgpack", "cbor"] as const;
const document = everyKind();

describe.each(CODECS)("a kept index, in %s", (codec) => {
  const bytes = encodeArchive(document, { codec, smallObjectThreshold: 256 });

  it("opens without a request, and pins reads to its version", async () => {
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

  it("serves an object without a version, and pins its size", async () => {
    const index = (await openArchive(bytes)).index();
    const source = observedSource(bytes);
    const again = await openArchive(source, { index });
    expect(source.held).toEqual({ size: bytes.length, version: undefined });
    expect(await again.read("leaf/b")).toEqual([1, 2, { c: [3] }]);
    expect(await failure(openArchive(bytes.subarray(1), { index }))).toBe("changed");
  });

  it("knows the offset of an archive inside a larger object", async () => {
    const object = new Uint8Array(1000 + bytes.length).fill(9);
    object.set(bytes, 1000);
    const index = (await openArchive(object, { offset: 1000, size: bytes.length })).index();
    const source = observedSource(object);
    const again = await openArchive(source, { index });
    expect(again.info.offset).toBe(1000);
    expect(await again.read("map/second/fourth/1")).toEqual([1, 2, 3]);
    expect(source.ranges.every(({ start }) => start >= 1050)).toBe(true);
  });

  it("opens the children of a combined archive on demand", async () => {
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

  it("rejects or gives the right value if it is cut or damaged", async () => {
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
      const outcome = await failure(async () => {
        const archive = await openArchive(bytes, { index: wrong });
        expect(await archive.read("map")).toEqual(document.map);
      });
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

  it("reads header and table in one round trip if the size is known", async () => {
    const source = observedSource(object);
    const archive = await openArchive(source, { offset: 5000, size: bytes.length });
    expect(archive.info).toMatchObject({ offset: 5000, size: bytes.length, kind: "map" });
    expect(source.ranges.every(({ start, end }) => start >= 5000 && end <= 5000 + bytes.length)).toBe(true);
    expect(await archive.read()).toEqual(document);
  });

  it("reads the header and then the table if the size is unknown", async () => {
    const source = observedSource(object);
    const archive = await openArchive(source, { offset: 5000 });
    expect(source.ranges).toHaveLength(2);
    expect(await archive.read()).toEqual(document);
  });

  it("rejects an offset or a size that does not fit the archive", async () => {
    expect(await failure(openArchive(object, { offset: 4999 }))).toBe("not-an-archive");
    expect(await failure(openArchive(object, { offset: object.length - 10 }))).toBe("truncated");
    expect(await failure(openArchive(object, { offset: object.length + 10 }))).toBe("truncated");
    expect(await failure(openArchive(object, { offset: 5000, size: bytes.length - 1 }))).toBe("truncated");
    expect(await failure(openArchive(object, { offset: 5000, size: 20 }))).toBe("truncated");
    expect(await failure(openArchive(bytes, { size: bytes.length - 1 }))).toBe("truncated");
  });
});

describe("requests of opening and reading", () => {
  const bytes = encodeArchive(
    Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, { a: i, b: "x".repeat(20_000) }])),
  );

  it("opens with one request if the tail holds the table, and coalesces the reads of a batch", async () => {
    const source = observedSource(bytes);
    const archive = await openArchive(source);
    expect(source.requests).toBe(1);
    expect(await archive.readMany(["k0/a", "k1/a", "k2/a", "k1/a"])).toEqual([0, 1, 2, 1]);
    expect(source.requests).toBeLessThanOrEqual(4);
    const { requests } = source;
    expect(await archive.readMany(["k0/a", "k1/a"])).toEqual([0, 1]);
    expect(source.requests).toBe(requests);
  });

  it("opens with two requests if the table exceeds the tail", async () => {
    const source = observedSource(bytes);
    await openArchive(source, { tailBytes: 100 });
    expect(source.requests).toBe(2);
  });

  it("counts requests and bytes in stats", async () => {
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
