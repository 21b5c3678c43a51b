import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  bytesSource,
  type CombineChild,
  combineArchives,
  encodeArchive,
  memorySink,
  openArchive,
  writeArchive,
} from "@peekpack/core";
import { type S3Store, s3Store } from "@peekpack/s3";
import {
  findOnPath,
  freshBucket,
  type S3Server,
  S3ServerAbsent,
  type S3ServerKind,
  startFaultProxy,
  startS3,
} from "@peekpack/testing";
import { livePython, runPython, skippedAsAbsent } from "@peekpack/testing/python";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zstdFrames, zstdSink, zstdSource } from "../src/index.js";
import { decodeFooter } from "../src/seek-table.js";
import { compressed, sample } from "./compressed.js";

const MiB = 2 ** 20;

/** Bytes that do not shrink, the same in every run. */
function noise(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let at = 0, state = seed; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

const text = sample(400);
/** Two archives. Of the first, all but 5 MiB can be copied: the part with the header before it must be as long. */
const large = [12, 1].map((size, i) => encodeArchive({ noise: noise(size * MiB, i + 1), text, seed: i + 1 }));
const small = encodeArchive({ text, small: true });
const compression = zstdFrames({ worker: false });

const zstd = await findOnPath("zstd");
const withoutZstd = skippedAsAbsent("the zstd command", zstd === undefined ? "no zstd on PATH" : undefined);

const servers = new Map<S3ServerKind, S3Server>();
for (const kind of ["stand-in", "rustfs", "versitygw"] as const) {
  let why: string | undefined;
  try {
    servers.set(kind, await startS3({ require: kind, build: false }));
  } catch (error) {
    if (!(error instanceof S3ServerAbsent)) throw error;
    why = error.message;
  }
  skippedAsAbsent(`combining compressed archives on ${kind}`, why);
}

for (const [kind, server] of servers) {
  describe(`combining compressed archives on ${kind}`, { timeout: 60_000 }, () => {
    let bucket: string;
    let store: S3Store;
    let directory: string;
    beforeAll(async () => {
      bucket = await freshBucket(server, "frames");
      store = s3Store({ ...server, retry: { baseMs: 5 } });
      directory = await mkdtemp(join(tmpdir(), "peekpack-combine-"));
      for (const [i, bytes] of large.entries())
        await put(`large-${i}`, await compressed(bytes, { level: 1 }));
      await put("small", await compressed(small));
      await put("raw", small);
    }, 60_000);
    afterAll(async () => {
      await rm(directory, { recursive: true });
      await server.close();
    });

    const put = async (key: string, bytes: Uint8Array): Promise<void> => {
      await store.target(`${bucket}/${key}`).putObject(bytes);
    };
    const stored = async (key: string): Promise<Uint8Array> => {
      const source = store.source(`${bucket}/${key}`);
      const { size } = await source.probe({ head: 0, tail: 0 });
      return (await source.read([{ start: 0, end: size }]))[0]!;
    };
    const child = (name: string, key = name): CombineChild => ({ name, source: `${bucket}/${key}` });
    /** The archive that the compressed object must hold. */
    const expected = async (children: readonly [string, Uint8Array][]): Promise<Uint8Array> => {
      const sink = memorySink();
      await combineArchives(
        sink,
        children.map(([name, source]) => ({ name, source })),
      );
      return sink.bytes();
    };
    const content = async (key: string): Promise<Uint8Array> => {
      const source = zstdSource(bytesSource(await stored(key)));
      const { size } = await source.probe({ head: 0, tail: 0 });
      return (await source.read([{ start: 0, end: size }]))[0]!;
    };
    const expectSame = (actual: Uint8Array, wanted: Uint8Array): void =>
      expect([actual.length, Buffer.compare(actual, wanted)]).toEqual([wanted.length, 0]);

    it("copies the frames on the server, so that little passes through the client, and the content is the combined archive", async () => {
      const proxy = await startFaultProxy(server);
      try {
        const through = s3Store({ ...server, endpoint: proxy.endpoint, retry: { baseMs: 5 } });
        const result = await through.combine(
          `${bucket}/out`,
          [child("a", "large-0"), child("s", "small"), child("b", "large-1")],
          { compression, pageIndex: false },
        );
        const { wireUp, wireDown } = proxy.totals();
        // What is shorter than a part of 5 MiB is read and uploaded: 6 MiB in each direction.
        expect(wireUp + wireDown).toBeLessThan(13 * MiB);
        expect(result.copiedBytes).toBeGreaterThan(6.9 * MiB);
        expect(result.compressedSize).toBe(result.copiedBytes + result.uploadedBytes);
        expect(result.notice).toBeUndefined();
        const wanted = await expected([
          ["a", large[0]!],
          ["s", small],
          ["b", large[1]!],
        ]);
        expect(result.size).toBe(wanted.length);
        expectSame(await content("out"), wanted);
      } finally {
        await proxy.close();
      }
      const archive = await openArchive<unknown>(zstdSource(store.source(`${bucket}/out`)));
      expect(await archive.keys().toArray()).toEqual(["a", "s", "b"]);
      for (const [name, seed] of [
        ["a", 1],
        ["b", 2],
      ] as const) {
        expect(await archive.read([name, "seed"])).toBe(seed);
        expect(await archive.read([name, "text"])).toEqual(text);
      }
      expect(await archive.read("s/small")).toBe(true);
    });

    it("takes over the frames of children byte for byte, in one table that counts every byte", async () => {
      await store.combine(`${bucket}/bytes`, [child("a", "large-0"), child("s", "small")], { compression });
      const bytes = Buffer.from(await stored("bytes"));
      for (const key of ["large-0", "small"]) {
        const object = await stored(key);
        const { start } = decodeFooter(object, object.length, key);
        expect(bytes.indexOf(object.subarray(0, start))).toBeGreaterThan(0);
      }
      expect(bytes.lastIndexOf(Uint8Array.of(0xb1, 0xea, 0x92, 0x8f))).toBe(bytes.length - 4);
      expect(bytes.indexOf(Uint8Array.of(0xb1, 0xea, 0x92, 0x8f))).toBe(bytes.length - 4);
    });

    it.skipIf(withoutZstd)("gives the combined archive by zstd -d", async () => {
      await store.combine(`${bucket}/command`, [child("s", "small"), child("again", "small")], {
        compression,
      });
      const path = join(directory, "combined.zst");
      await writeFile(path, await stored("command"));
      await promisify(execFile)(zstd!, ["-d", "-q", "-f", path, "-o", join(directory, "combined")]);
      const wanted = await expected([
        ["s", small],
        ["again", small],
      ]);
      expectSame(await readFile(join(directory, "combined")), wanted);
    });

    it("appends to a compressed archive by its frames, whether the server or a sink has written it", async () => {
      await writeArchive(store.sink(`${bucket}/x`), 1);
      const first = zstdSink(store.sink(`${bucket}/grows`), { worker: false });
      await combineArchives(first, [{ name: "a", source: large[0]! }]);
      await store.combine(`${bucket}/grows-too`, [child("a", "large-0")], { compression });
      const wanted = await expected([
        ["a", large[0]!],
        ["s", small],
        ["v", encodeArchive({ made: [1, 2] })],
        ["z", small],
      ]);
      for (const key of ["grows", "grows-too"]) {
        const result = await store.append(
          `${bucket}/${key}`,
          [child("s", "small"), { name: "v", value: { made: [1, 2] } }],
          { compression },
        );
        expect(result.copiedBytes).toBeGreaterThan(6 * MiB);
        expect(result.uploadedBytes).toBeLessThan(5.5 * MiB);
        expect(result.notice).toBeUndefined();
        await store.append(`${bucket}/${key}`, [child("z", "small")], { compression });
        expectSame(await content(key), wanted);
      }
    });

    it("compresses children that are not compressed, and says so", async () => {
      const result = await store.combine(`${bucket}/mixed`, [child("s", "small"), child("raw")], {
        compression,
      });
      expect(result.notice).toMatch(
        /^\d+ bytes of archives that are not compressed were read and compressed\.$/,
      );
      const archive = await openArchive<unknown>(zstdSource(store.source(`${bucket}/mixed`)));
      expect(await archive.read("raw/text")).toEqual(text);
      await expect(
        store.combine(`${bucket}/too-much`, [child("raw", "raw")], {
          compression: zstdFrames({ worker: false, maxBytes: 100 }),
        }),
      ).rejects.toMatchObject({ code: "limit", message: expect.stringContaining("maxBytes") });
    });

    it("decompresses children of an archive that is not compressed, and says so", async () => {
      await store.combine(`${bucket}/plain`, [child("raw")]);
      const result = await store.append(`${bucket}/plain`, [child("s", "small")], { compression });
      expect(result.notice).toMatch(
        /^The archive is not compressed: \d+ bytes .* decompressed and uploaded\.$/,
      );
      expect(result.compressedSize).toBeUndefined();
      const archive = await openArchive<unknown>(store.source(`${bucket}/plain`));
      expect(await archive.read("s/text")).toEqual(text);
    });

    it("takes sources of the content, open archives, and archives in compressed archives", async () => {
      const source = zstdSource(store.source(`${bucket}/large-0`));
      const archive = await openArchive(zstdSource(store.source(`${bucket}/large-1`)));
      const { copiedBytes, notice } = await store.combine(
        `${bucket}/kinds`,
        [
          { name: "source", source },
          { name: "archive", source: archive },
        ],
        { compression },
      );
      expect(copiedBytes).toBeGreaterThan(6 * MiB);
      expect(notice).toBeUndefined();
      const open = (offset: number) =>
        openArchive<unknown>(zstdSource(store.source(`${bucket}/kinds`)), { offset });
      const [kinds, nested] = await Promise.all([open(0), open(50 + large[0]!.length)]);
      await store.combine(
        `${bucket}/nested`,
        [
          { name: "whole", source: kinds },
          { name: "part", source: nested },
        ],
        { compression },
      );
      const deep = await openArchive<unknown>(zstdSource(store.source(`${bucket}/nested`)));
      expect(await deep.read("whole/archive/seed")).toBe(2);
      expect(await deep.read("part/seed")).toBe(2);
    });

    it("refuses a compressed child without the option, and the archive itself", async () => {
      await expect(store.combine(`${bucket}/no`, [child("s", "small")])).rejects.toMatchObject({
        code: "not-an-archive",
        message: expect.stringContaining("@peekpack/zstd"),
      });
      await expect(
        store.combine(`${bucket}/small`, [child("s", "small")], { compression }),
      ).rejects.toMatchObject({ code: "unsupported-value" });
    });
  });
}

describe("a table of frames", () => {
  /** Combines in memory, as a store does. */
  async function joined(children: readonly Uint8Array[]): Promise<Uint8Array> {
    const opened = await Promise.all(children.map((bytes) => compression.open(bytesSource(bytes))));
    const pieces = await Promise.all(
      opened.map(async (archive) => {
        const { size } = await archive!.content.probe({ head: 0, tail: 0 });
        return { source: archive!.content, start: 0, end: size };
      }),
    );
    const header = encodeArchive(0).subarray(0, 50);
    const result = await compression.compress([header, ...pieces]);
    const bytes = await Promise.all(
      result.map(async (piece) =>
        piece instanceof Uint8Array ? piece : (await piece.source.read([piece]))[0]!,
      ),
    );
    return Buffer.concat(bytes);
  }
  const contentOf = async (bytes: Uint8Array): Promise<Buffer> => {
    const source = zstdSource(bytesSource(bytes));
    const { size } = await source.probe({ head: 0, tail: 0 });
    return Buffer.from((await source.read([{ start: 0, end: size }]))[0]!);
  };

  it("has no checksums if a child has none, and the content of all children", async () => {
    const plain = await compressed(small, { checksum: false });
    const both = await joined([plain, await compressed(small)]);
    expect(decodeFooter(both, both.length, "both").checksums).toBe(false);
    expect((await contentOf(both)).subarray(50).equals(Buffer.concat([small, small]))).toBe(true);
  });

  it("leaves out the directory of a long table, and gets one of its own", async () => {
    const bytes = encodeArchive(Array.from({ length: 18_000 }, (_, i) => `${i} ${"peek ".repeat(180)}`));
    const long = await compressed(bytes, { frameBytes: 1024, level: 1 });
    const both = await joined([long, await compressed(small)]);
    expect(Buffer.from(both).indexOf("PEEKPZSD")).toBe(Buffer.from(both).lastIndexOf("PEEKPZSD"));
    expect((await contentOf(both)).subarray(50).equals(Buffer.concat([bytes, small]))).toBe(true);
    // As the child of a child the directory is in the middle.
    const nested = await joined([both, both]);
    expect((await contentOf(nested)).length).toBe(50 + 2 * (await contentOf(both)).length);
  });
});

const live = await livePython();
const why = live.absent ?? (live.versions.pyzstd === undefined ? "pip cannot install pyzstd" : undefined);

it.skipIf(skippedAsAbsent("combined compressed archives read by pyzstd and msglc", why))(
  "pyzstd and the live msglc read an archive that was combined by its frames",
  async () => {
    const server = await startS3({ require: "stand-in" });
    const directory = await mkdtemp(join(tmpdir(), "peekpack-combine-"));
    try {
      const bucket = await freshBucket(server, "python");
      const store = s3Store(server);
      await writeArchive(zstdSink(store.sink(`${bucket}/a`)), { text, id: 7 });
      await store.combine(
        `${bucket}/all`,
        ["x", "y"].map((name) => ({ name, source: `${bucket}/a` })),
        { compression },
      );
      const source = store.source(`${bucket}/all`);
      const { size } = await source.probe({ head: 0, tail: 0 });
      const path = join(directory, "all.zst");
      await writeFile(path, (await source.read([{ start: 0, end: size }]))[0]!);
      const program = `
import json, sys, msglc, pyzstd
with pyzstd.SeekableZstdFile(sys.argv[1], "rb") as file, msglc.LazyReader(file) as reader:
    print(json.dumps([reader.read("x/id"), reader.read("y/text/entry 17/name")]))
`;
      expect(JSON.parse(await runPython(program, { args: [path] }))).toEqual([7, "name 623"]);
    } finally {
      await rm(directory, { recursive: true });
      await server.close();
    }
  },
);
