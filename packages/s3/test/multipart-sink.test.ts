import { GetObjectCommand, ListMultipartUploadsCommand, type S3Client } from "@aws-sdk/client-s3";
import { type ArchiveSink, encodeArchive, writeArchive } from "@peekpack/core";
import { freshBucket, type S3Server, s3Client } from "@peekpack/testing";
import { archiveSinkContract, type SinkPlace } from "@peekpack/testing/contracts/archive-sink";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  multipartSink,
  presignedTarget,
  presignUpload,
  s3Store,
  type UploadProgress,
  type UploadTarget,
} from "../src/index.js";
import type { OpenUpload, UploadedPart, UploadState } from "../src/internal.js";
import { partSizing } from "../src/limits.js";
import { expectBytes, noise, onEachServer } from "./live-servers.js";

const MiB = 2 ** 20;
const partSize = 5 * MiB;
const header = noise(50, 99);

/** Writes bytes in chunks that are no divisor of a part. */
async function writeChunks(sink: ReturnType<typeof multipartSink>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += 700_001) await sink.write(bytes.slice(at, at + 700_001));
}

await onEachServer("the direct sink", (server: S3Server) => {
  let bucket: string;
  let client: S3Client;
  const stores = {
    sdk: s3Store({ ...server, writer: "sdk", retry: { baseMs: 5 } }),
    fetch: s3Store({ ...server, writer: "fetch", retry: { baseMs: 5 } }),
  };
  beforeAll(async () => {
    bucket = await freshBucket(server, "direct");
    client = s3Client(server);
  });
  afterAll(() => client.destroy());
  const stored = async (Key: string): Promise<Uint8Array | undefined> => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      return await Body!.transformToByteArray();
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  };
  const orphans = async (): Promise<number> =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;

  const sinks: Record<string, (path: string) => ArchiveSink> = {
    sdk: (path) => stores.sdk.sink(path, { partSize }),
    fetch: (path) => stores.fetch.sink(path, { partSize }),
    "presigned URLs": (path) =>
      multipartSink(
        presignedTarget((request) => presignUpload(stores.sdk, path, request)),
        { partSize },
      ),
  };
  let keys = 0;
  for (const [writer, make] of Object.entries(sinks)) {
    archiveSinkContract(`direct to ${server.kind} by ${writer}`, () => ({
      lasting: true,
      versioned: true,
      largeBytes: 17 * MiB,
      place(): SinkPlace {
        const key = `contract ${keys++}`;
        return {
          sink: () => make(`${bucket}/${key}`),
          stored: () => stored(key),
          leftovers: orphans,
        };
      },
    }));
  }

  it.each([
    ["one byte less than a part", partSize - 51],
    ["a part", partSize - 50],
    ["one byte more than a part", partSize - 49],
    ["two parts", 2 * partSize - 50],
    ["two parts and a byte", 2 * partSize - 49],
  ])("writes %s", async (name, length) => {
    const bytes = noise(length);
    const events: UploadProgress[] = [];
    const sink = stores.sdk.sink(`${bucket}/${name}`, {
      partSize,
      onProgress: (progress) => events.push(progress),
    });
    await writeChunks(sink, bytes);
    const result = await sink.finish(header);
    expect(result.size).toBe(length + 50);
    expectBytes((await stored(name))!, Buffer.concat([header, bytes]));
    expect(events.at(-1)).toMatchObject({
      phase: "done",
      bytesUploaded: length + 50,
      parts: { uploaded: Math.ceil((length + 50) / partSize) },
    });
  });

  it("obeys its put mode in parts and in one PUT", async () => {
    for (const [key, bytes] of [
      ["small", noise(100)],
      ["large", noise(5 * MiB)],
    ] as const) {
      const write = async (put: UploadTarget["put"]) => {
        const sink = stores.sdk.sink(`${bucket}/${key}`, { put, partSize });
        await writeChunks(sink, bytes);
        return sink.finish(header);
      };
      const { version } = await write("create");
      await expect(write("create")).rejects.toMatchObject({ code: "exists" });
      await expect(write({ ifMatch: '"0"' })).rejects.toMatchObject({ code: "changed" });
      await write({ ifMatch: version! });
      expect(await orphans()).toBe(0);
    }
  });

  it("lets one of two creators win and rejects the other", async () => {
    const first = stores.sdk.sink(`${bucket}/raced`, { put: "create", partSize });
    const second = stores.fetch.sink(`${bucket}/raced`, { put: "create", partSize });
    await Promise.all([writeChunks(first, noise(6 * MiB, 1)), writeChunks(second, noise(6 * MiB, 2))]);
    const results = await Promise.allSettled([first.finish(header), second.finish(header)]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const lost = results.find((result) => result.status === "rejected") as PromiseRejectedResult;
    expect(lost.reason).toMatchObject({ code: expect.stringMatching(/^(exists|conflict)$/) });
    const winner = results[0]!.status === "fulfilled" ? 1 : 2;
    expectBytes((await stored("raced"))!, Buffer.concat([header, noise(6 * MiB, winner)]));
    expect(await orphans()).toBe(0);
  });

  it("resumes an earlier upload and sends only missing and different parts", async () => {
    const bytes = noise(23 * MiB);
    let upload: OpenUpload | undefined;
    const parts: UploadedPart[] = [];
    const journal = {
      begun: async (begun: OpenUpload) => {
        upload = begun;
      },
      uploaded: async (part: UploadedPart) => {
        parts.push(part);
      },
      committing: async () => {},
      abandoned: async () => {},
    };
    const target = stores.sdk.target(`${bucket}/resumed`);
    const stopped = multipartSink(target, { partSize, concurrency: 1, journal, keepParts: true });
    await writeChunks(stopped, bytes.subarray(0, 18 * MiB));
    await stopped.abort();
    expect(parts.length).toBeGreaterThan(0);
    const sent: number[] = [];
    const counting: UploadTarget = {
      ...target,
      uploadPart(open, number, ...rest) {
        sent.push(number);
        return target.uploadPart(open, number, ...rest);
      },
    };
    const resume: UploadState = { upload: upload!, partSize, parts };
    const other = multipartSink(counting, { partSize, resume });
    // Changes a byte of part 2.
    const changed = bytes.slice();
    changed[partSize + 100]! ^= 1;
    await writeChunks(other, changed);
    await other.finish(header);
    const kept = parts.map(({ number }) => number).filter((number) => number !== 2);
    expect(sent.sort()).toEqual([1, 2, 3, 4, 5].filter((number) => !kept.includes(number)));
    expectBytes((await stored("resumed"))!, Buffer.concat([header, changed]));
    expect(await orphans()).toBe(0);
  });

  it("rejects with the signal's own reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const sink = stores.sdk.sink(`${bucket}/stopped`, {
      partSize,
      signal: controller.signal,
      onProgress: ({ parts }) => {
        if (parts.uploaded === 1) controller.abort(reason);
      },
    });
    const endless = async (): Promise<void> => {
      for (;;) await sink.write(new Uint8Array(MiB));
    };
    await expect(endless()).rejects.toBe(reason);
    await expect(sink.finish(header)).rejects.toMatchObject({ code: "closed" });
    expect(await orphans()).toBe(0);
  });

  it("rejects with `network` if the server dies, and leaves the old object", async ({ skip }) => {
    skip(server.kind === "external", "a server that was not started here is not killed");
    await writeArchive(stores.sdk.sink(`${bucket}/dying`), 1);
    const sink = s3Store({ ...server, retry: { attempts: 2, baseMs: 5 } }).sink(`${bucket}/dying`, {
      partSize,
    });
    await writeChunks(sink, noise(11 * MiB));
    await server.kill();
    await expect(sink.finish(header)).rejects.toMatchObject({ code: "network" });
    await server.restart();
    expect(await stored("dying")).toEqual(encodeArchive(1));
    expect(await stores.sdk.sweep(bucket, { olderThan: new Date(Date.now() + 60_000) })).toMatchObject([
      { key: "dying" },
    ]);
    expect(await orphans()).toBe(0);
  });
});

/** A slow target that records its calls and the maximum number of concurrent parts. */
function fakeTarget(delay = 0): UploadTarget & { log: string[]; maxUploading: number } {
  const log: string[] = [];
  let uploading = 0;
  const target = {
    label: "s3://fake/object",
    put: "overwrite" as const,
    log,
    maxUploading: 0,
    async putObject(body: Uint8Array) {
      log.push(`put ${body.length}`);
      return { size: body.length };
    },
    async createUpload() {
      log.push("create");
      return { id: "1", crc32: false };
    },
    async uploadPart(_: OpenUpload, number: number, body: Uint8Array) {
      target.maxUploading = Math.max(target.maxUploading, ++uploading);
      await new Promise((resolve) => setTimeout(resolve, delay));
      uploading--;
      log.push(`part ${number} ${body.length}`);
      return { number, size: body.length, etag: `"${number}"` };
    },
    listParts: async () => [],
    async completeUpload(_: OpenUpload, parts: readonly UploadedPart[]) {
      log.push(`complete ${parts.map(({ number }) => number)}`);
      return { size: parts.reduce((sum, { size }) => sum + size, 0) };
    },
    async abortUpload() {
      log.push("abort");
    },
  };
  return target;
}

describe("the direct sink", () => {
  it("sends equal parts, the first one last, and then completes the upload", async () => {
    const target = fakeTarget();
    const sink = multipartSink(target, { partSize, concurrency: 1 });
    await writeChunks(sink, new Uint8Array(3 * partSize));
    expect(target.log).not.toContain(`part 1 ${partSize}`);
    await sink.finish(header);
    expect(target.log).toEqual([
      "create",
      `part 2 ${partSize}`,
      `part 3 ${partSize}`,
      "part 4 50",
      `part 1 ${partSize}`,
      "complete 1,2,3,4",
    ]);
  });

  it("makes the writer wait while `concurrency` parts are uploading", async () => {
    const target = fakeTarget(20);
    const sink = multipartSink(target, { partSize, concurrency: 2 });
    await writeChunks(sink, new Uint8Array(9 * partSize));
    await sink.finish(header);
    expect(target.maxUploading).toBe(2);
  });

  it("rejects the next call after a failed part, and removes everything", async () => {
    const target = fakeTarget();
    const wrong = new Error("no");
    const sink = multipartSink(
      {
        ...target,
        uploadPart: async (_, number) => Promise.reject(number === 2 ? wrong : new Error("later")),
      },
      { partSize },
    );
    await expect(writeChunks(sink, new Uint8Array(9 * partSize))).rejects.toBe(wrong);
    await expect(sink.finish(header)).rejects.toMatchObject({ code: "closed" });
    expect(target.log).toEqual(["create", "abort"]);
  });

  it("aborts when it is disposed before it is finished", async () => {
    const target = fakeTarget();
    {
      await using sink = multipartSink(target, { partSize, concurrency: 1 });
      await writeChunks(sink, new Uint8Array(3 * partSize));
    }
    expect(target.log.at(-1)).toBe("abort");
    expect(target.log.join()).not.toContain("complete");
  });

  it("does nothing when it is disposed after it is finished", async () => {
    const target = fakeTarget();
    {
      await using sink = multipartSink(target, { partSize, concurrency: 1 });
      await writeChunks(sink, new Uint8Array(3 * partSize));
      await sink.finish(header);
    }
    expect(target.log.at(-1)).toBe("complete 1,2,3,4");
  });

  it("returns the ETag as version and the version id beside it", async () => {
    const stored = { size: 150, etag: '"etag"', versionId: "version id" };
    const sink = multipartSink({ ...fakeTarget(), putObject: async () => stored });
    await sink.write(new Uint8Array(100));
    expect(await sink.finish(header)).toMatchObject({
      size: 150,
      version: '"etag"',
      versionId: "version id",
    });
  });

  it("chooses part sizes by maxSize", () => {
    expect(partSizing({}).of(10_000)).toBe(16 * MiB);
    expect(partSizing({ maxSize: 10 }).of(1)).toBe(16 * MiB);
    const tera = partSizing({ maxSize: 2 ** 40 }).of(1);
    expect(tera * 10_000).toBeGreaterThanOrEqual(2 ** 40);
    expect(tera % MiB).toBe(0);
    expect(partSizing({ maxSize: 10_000 * 5 * 2 ** 30 }).of(1)).toBe(5 * 2 ** 30);
    const growing = partSizing({ partSize, growing: true });
    expect([1, 1000, 1001, 10_000].map((number) => growing.of(number) / partSize)).toEqual([1, 1, 2, 10]);
    let capacity = 0;
    const declared = partSizing({ maxSize: 2 ** 40, growing: true });
    for (let number = 1; number <= 10_000; number++) capacity += declared.of(number);
    expect(capacity).toBeGreaterThanOrEqual(2 ** 40);
    expect(() => growing.of(10_001)).toThrow(expect.objectContaining({ code: "limit" }));
    for (const wrong of [
      { partSize: MiB },
      { partSize: 6 * 2 ** 30 },
      { partSize, maxSize: 2 ** 40 },
      { maxSize: 2 ** 50 },
    ]) {
      expect(() => partSizing(wrong)).toThrow(RangeError);
    }
  });
});
