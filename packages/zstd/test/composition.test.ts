import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  appendArchives,
  bytesSource,
  combineArchives,
  encodeArchive,
  listOf,
  memorySink,
  openArchive,
  type RequestEvent,
  withRangeCache,
  writeArchive,
} from "@peekpack/core";
import { slowSource } from "@peekpack/core/testing";
import { fileSink, fileSource, persistentCache } from "@peekpack/node-storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zstdSink, zstdSource } from "../src/index.js";
import { compressed, sample } from "./compressed.js";

const value = {
  entries: sample(4000),
  numbers: Array.from({ length: 30_000 }, (_, i) => (i % 1000) + 0.5),
};
let plain: Uint8Array;
let indexed: Uint8Array;
let file: Uint8Array;
let indexedFile: Uint8Array;
let directory: string;
beforeAll(async () => {
  plain = encodeArchive(value);
  indexed = encodeArchive(value, { smallObjectThreshold: 64, pageIndex: true });
  file = await compressed(plain);
  indexedFile = await compressed(indexed);
  directory = await mkdtemp(join(tmpdir(), "peekpack-zstd-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** A remote source of compressed bytes, with the requests to it. */
function remote(bytes: Uint8Array, options: Parameters<typeof zstdSource>[1] = {}) {
  const events: RequestEvent[] = [];
  const source = zstdSource(slowSource(bytesSource(bytes, { version: '"1"' }), { latencyMs: 1 }), {
    ...options,
    onRequest: (event) => events.push(event),
  });
  const network = () => events.filter(({ from }) => from === "network");
  return {
    source,
    events,
    requests: () => network().length,
    bytes: () => network().reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

describe("reading from afar", () => {
  it("fetches compressed bytes of few frames for a value, and counts these", async () => {
    const { source, requests, bytes } = remote(file);
    const archive = await openArchive<unknown>(source);
    expect(await archive.read("entries/entry 2000")).toEqual(value.entries["entry 2000"]);
    expect(bytes()).toBeLessThan(file.length / 2);
    expect(requests()).toBeLessThanOrEqual(4);
    expect(archive.stats).toMatchObject({ requests: requests(), bytes: bytes() });
    expect(archive.info).toMatchObject({ size: plain.length, version: '"1"' });
  });

  it("makes no request for values whose frames it has", async () => {
    const { source, requests } = remote(file, { readAhead: 0 });
    const archive = await openArchive<unknown>(source);
    await archive.read("entries/entry 2000");
    const before = requests();
    expect(await archive.read("entries/entry 2001")).toEqual(value.entries["entry 2001"]);
    expect(requests()).toBe(before);
  });

  it("coalesces the frames of many reads at once", async () => {
    const { source, requests } = remote(file, { readAhead: 0 });
    const archive = await openArchive<unknown>(source);
    const before = requests();
    const paths = Array.from({ length: 300 }, (_, i) => `entries/entry ${2000 + i}`);
    expect(await archive.readMany(paths)).toEqual(paths.map((path) => value.entries[path.slice(8)]));
    expect(requests() - before).toBeLessThanOrEqual(2);
  });

  it("reads through a page index", async () => {
    const { source, bytes } = remote(indexedFile);
    const archive = await openArchive<unknown>(source, { tailBytes: 32_768 });
    expect(archive.info.pageIndex.state).toBe("used");
    expect(await archive.read("entries/entry 3210/values/3")).toBe((3210 * 3) % 97);
    expect(bytes()).toBeLessThan(indexedFile.length / 3);
  });

  it("serves select, columns and handles", async () => {
    const archive = await openArchive<unknown>(remote(file).source);
    const names = await archive.select("entries/*/name").toArray();
    expect(names).toHaveLength(4000);
    expect(names[5]!.value).toBe(value.entries["entry 5" as never]!["name" as never]);
    expect([...(await archive.toTypedArray("numbers", "float64"))]).toEqual(value.numbers);
    const { start, end } = { start: 10, end: 14 };
    const list = await archive.get("numbers");
    expect(await (list as { slice(a: number, b: number): Promise<unknown> }).slice(start, end)).toEqual(
      value.numbers.slice(start, end),
    );
  });

  it("opens by a kept index without a request, and refuses another version", async () => {
    const first = await openArchive<unknown>(remote(file).source);
    const index = first.index();
    const { source, requests } = remote(file);
    const again = await openArchive<unknown>(source, { index });
    expect(requests()).toBe(0);
    expect(await again.read("entries/entry 1/name")).toBe("name 919");
    const other = await openArchive<unknown>(zstdSource(bytesSource(await compressed(indexed))), { index });
    await expect(other.read("entries/entry 1")).rejects.toMatchObject({ code: "changed" });
  });

  it("notices another object in place of the archive, and reads it if the caller wants that", async () => {
    const path = join(directory, "changing");
    await writeArchive(zstdSink(fileSink(path)), value);
    const archive = await openArchive<unknown>(zstdSource(fileSource(path)), { onChange: "reopen" });
    await writeArchive(zstdSink(fileSink(path)), { entries: { "entry 2000": 1 } });
    expect(await archive.read("entries/entry 2000")).toBe(1);
  });
});

describe("a persistent cache below", () => {
  it("keeps compressed bytes, and serves them without a request", async () => {
    const cache = persistentCache({ directory: join(directory, "cache") });
    const open = (events: RequestEvent[]) =>
      openArchive<unknown>(
        zstdSource(
          withRangeCache(
            slowSource(bytesSource(file, { version: '"1"', label: "remote" }), { latencyMs: 1 }),
            cache,
            {
              revalidate: false,
            },
          ),
          { onRequest: (event) => events.push(event) },
        ),
      );
    const first = await open([]);
    expect(await first.read()).toEqual(value);
    await first.close();
    expect(await cache.size()).toBeLessThanOrEqual(file.length);
    const events: RequestEvent[] = [];
    const second = await open(events);
    expect(await second.read()).toEqual(value);
    expect(events.length).toBeGreaterThan(0);
    expect(events.filter(({ from }) => from === "network")).toEqual([]);
    await second.close();
    cache.close();
  });
});

describe("long decoding in memory", () => {
  it("stops when its signal aborts, and lets timers run", async () => {
    const bytes = await compressed(new Uint8Array(50 + 20_000_000), { level: 1, frameBytes: 8192 });
    const source = zstdSource(bytesSource(bytes), { cacheBytes: 0 });
    const { size } = await source.probe({ head: 0, tail: 0 });
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 1);
    const reading = source.read([{ start: 0, end: size }], { signal: controller.signal });
    await expect(reading).rejects.toBe(reason);
  });
});

describe("the memory for frames", () => {
  it("is bounded by cacheBytes, and what does not fit is decoded again", async () => {
    for (const cacheBytes of [0, 100_000]) {
      const archive = await openArchive<unknown>(zstdSource(bytesSource(file), { cacheBytes }));
      expect(await archive.read()).toEqual(value);
      expect(await archive.read("entries/entry 3")).toEqual(value.entries["entry 3"]);
    }
  });
});

describe("writing", () => {
  it("is the same in workers and in this thread, and whatever the chunks are", async () => {
    const once = await compressed(plain);
    const sink = memorySink();
    const stream = zstdSink(sink);
    for (let at = 50; at < plain.length; at += 777)
      await stream.write(plain.slice(at, Math.min(at + 777, plain.length)));
    const result = await stream.finish(plain.slice(0, 50));
    expect(result).toMatchObject({ size: plain.length, compressedSize: once.length });
    expect(Buffer.compare(sink.bytes(), once)).toBe(0);
  });

  it("puts the header into 50 bytes, so that nothing moves when it is known", async () => {
    const seen: number[] = [];
    for (const checksum of [true, false]) {
      const memory = memorySink();
      const inner = {
        ...memory,
        finish(header: Uint8Array) {
          seen.push(header.length);
          return memory.finish(header);
        },
      };
      await writeArchive(zstdSink(inner, { checksum }), [1, 2, 3]);
      expect(await (await openArchive(zstdSource(bytesSource(memory.bytes())))).read()).toEqual([1, 2, 3]);
    }
    expect(seen).toEqual([50, 50]);
  });

  it("holds bounded memory, and streams", async () => {
    const path = join(directory, "streamed");
    const row = "x".repeat(50_000);
    async function* rows(): AsyncGenerator<string> {
      for (let i = 0; i < 2000; i++) yield row + i;
    }
    await writeArchive(zstdSink(fileSink(path), { level: 1 }), listOf(rows()));
    expect((await stat(path)).size).toBeLessThan(2_000_000);
    const archive = await openArchive<unknown>(zstdSource(fileSource(path)));
    expect(await archive.read("1999")).toBe(`${row}1999`);
    await archive.close();
  });

  it("keeps random bytes within 1 % of their size", async () => {
    const bytes = randomBytes(1_000_000);
    const sink = memorySink();
    await writeArchive(zstdSink(sink), new Uint8Array(bytes));
    expect(sink.bytes().length).toBeLessThan(1_010_000);
  });

  it("leaves nothing and aborts the sink below if the value fails", async () => {
    const path = join(directory, "failing");
    const wrong = new Error("no more");
    async function* rows(): AsyncGenerator<string> {
      for (let i = 0; i < 100; i++) yield "y".repeat(100_000);
      throw wrong;
    }
    await expect(writeArchive(zstdSink(fileSink(path)), listOf(rows()))).rejects.toBe(wrong);
    await expect(readFile(path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("rejects with the error of the sink below", async () => {
    const full = { ...memorySink(), write: async () => Promise.reject(new Error("disk full")) };
    await expect(writeArchive(zstdSink(full), plain)).rejects.toThrow("disk full");
  });

  it.each([
    { level: 0 },
    { level: 23 },
    { level: 1.5 },
    { frameBytes: 1023 },
    { frameBytes: 2 ** 26 + 1 },
    { concurrency: 0 },
  ])("rejects %o with RangeError", (options) => {
    expect(() => zstdSink(memorySink(), options)).toThrow(RangeError);
  });

  it.each([{ cacheBytes: -1 }, { maxFrameBytes: 2 ** 30 + 1 }, { maxTableBytes: 0.5 }])(
    "rejects %o of a source with RangeError",
    (options) => {
      expect(() => zstdSource(bytesSource(file), options)).toThrow(RangeError);
    },
  );
});

describe("combining", () => {
  it("takes compressed children, compresses the result, and appends to it", async () => {
    const memory = memorySink();
    const child = zstdSource(bytesSource(file));
    const small = encodeArchive({ small: true });
    await combineArchives(zstdSink(memory, { worker: false }), [
      { name: "packed", source: child },
      { name: "plain", source: small },
    ]);
    const combined = memory.bytes();
    expect(combined.length).toBeLessThan(file.length * 1.1);
    const appended = memorySink();
    await appendArchives(
      { source: zstdSource(bytesSource(combined)), sink: zstdSink(appended, { worker: false }) },
      [{ name: "more", source: small }],
    );
    const archive = await openArchive<unknown>(zstdSource(bytesSource(appended.bytes())));
    expect(await archive.read("packed/entries/entry 17")).toEqual(value.entries["entry 17"]);
    expect(await archive.read("plain/small")).toBe(true);
    expect(await archive.read("more/small")).toBe(true);
  });
});

describe("a long table of frames", () => {
  let long: Uint8Array;
  let content: Uint8Array;
  beforeAll(async () => {
    // 17,579 frames: one more page than is read whole.
    const text = `${"peek anywhere ".repeat(70)}\n`;
    content = encodeArchive(Array.from({ length: 18_000 }, (_, i) => `${i} ${text}`));
    long = await compressed(content, { frameBytes: 1024, level: 1 });
  }, 120_000);

  it("gives the right values", async () => {
    const archive = await openArchive<unknown>(remote(long).source);
    expect(await archive.read("9000")).toMatch(/^9000 peek/);
    expect(await archive.read("-1")).toMatch(/^17999 peek/);
    expect(await archive.read()).toHaveLength(18_000);
  });

  it("is read whole if its directory is damaged", async () => {
    const damaged = long.slice();
    const name = Buffer.from(damaged.buffer).lastIndexOf("PEEKPZSD");
    damaged[name + 20]! ^= 1;
    const archive = await openArchive<unknown>(zstdSource(bytesSource(damaged)));
    expect(await archive.read("9000")).toMatch(/^9000 peek/);
  });

  it("is refused with corrupt if a page contradicts the directory", async () => {
    const damaged = long.slice();
    // The size of a frame's content.
    damaged[damaged.length - 9 - 12 * 9000 + 4]! ^= 1;
    const source = zstdSource(bytesSource(damaged));
    const { size } = await source.probe({ head: 50, tail: 50 });
    expect(size).toBe(content.length);
    await expect(source.read([{ start: 0, end: size }])).rejects.toMatchObject({ code: "corrupt" });
  });
});
