import { GetObjectCommand, ListMultipartUploadsCommand, type S3Client } from "@aws-sdk/client-s3";
import { encodeArchive, writeArchive } from "@peekpack/core";
import { freshBucket, type S3Server, s3Client } from "@peekpack/testing";
import { archiveSinkContract, type SinkPlace } from "@peekpack/testing/contracts/archive-sink";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  multipartSink,
  type OpenUpload,
  s3Store,
  type UploadedPart,
  type UploadProgress,
  type UploadState,
  type UploadTarget,
} from "../src/index.js";
import { partSizing } from "../src/limits.js";
import { expectBytes, noise, onEachServer } from "./live-servers.js";

const MiB = 2 ** 20;
const partSize = 5 * MiB;
const header = noise(50, 99);

/** Feeds bytes in chunks that fit no part. */
async function feed(sink: ReturnType<typeof multipartSink>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += 700_001) await sink.write(bytes.slice(at, at + 700_001));
}

await onEachServer("the direct sink", (server: S3Server) => {
  let bucket: string;
  let client: S3Client;
  const stores = {
    sdk: s3Store({ ...server, writer: "sdk", retry: { firstDelay: 5 } }),
    fetch: s3Store({ ...server, writer: "fetch", retry: { firstDelay: 5 } }),
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

  let places = 0;
  for (const [writer, store] of Object.entries(stores)) {
    archiveSinkContract(`direct to ${server.kind} by ${writer}`, () => ({
      lasting: true,
      versioned: true,
      largeBytes: 17 * MiB,
      place(): SinkPlace {
        const key = `contract ${places++}`;
        return {
          sink: () => store.sink(`${bucket}/${key}`, { partSize }),
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
  ])("makes the same of %s as of any other length", async (name, length) => {
    const bytes = noise(length);
    const told: UploadProgress[] = [];
    const sink = stores.sdk.sink(`${bucket}/${name}`, {
      partSize,
      onProgress: (progress) => told.push(progress),
    });
    await feed(sink, bytes);
    const result = await sink.finish(header);
    expect(result.size).toBe(length + 50);
    expectBytes((await stored(name))!, Buffer.concat([header, bytes]));
    expect(told.at(-1)).toMatchObject({
      phase: "done",
      bytesUploaded: length + 50,
      parts: { uploaded: Math.ceil((length + 50) / partSize) },
    });
  });

  it("keeps to its put mode in parts and in one PUT", async () => {
    for (const [key, bytes] of [
      ["small", noise(100)],
      ["large", noise(11 * MiB)],
    ] as const) {
      const write = async (put: UploadTarget["put"]) => {
        const sink = stores.sdk.sink(`${bucket}/${key}`, { put, partSize });
        await feed(sink, bytes);
        return sink.finish(header);
      };
      const { version } = await write("create");
      await expect(write("create")).rejects.toMatchObject({ code: "exists" });
      await expect(write({ ifMatch: '"0"' })).rejects.toMatchObject({ code: "changed" });
      await write({ ifMatch: version! });
      expect(await orphans()).toBe(0);
    }
  });

  it("lets one of two writers win, and tells the other", async () => {
    const first = stores.sdk.sink(`${bucket}/raced`, { put: "create", partSize });
    const second = stores.fetch.sink(`${bucket}/raced`, { put: "create", partSize });
    await Promise.all([feed(first, noise(6 * MiB, 1)), feed(second, noise(6 * MiB, 2))]);
    const results = await Promise.allSettled([first.finish(header), second.finish(header)]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const lost = results.find((result) => result.status === "rejected") as PromiseRejectedResult;
    expect(lost.reason).toMatchObject({ code: expect.stringMatching(/^(exists|conflict)$/) });
    const winner = results[0]!.status === "fulfilled" ? 1 : 2;
    expectBytes((await stored("raced"))!, Buffer.concat([header, noise(6 * MiB, winner)]));
    expect(await orphans()).toBe(0);
  });

  it("goes on with an upload that an earlier write of the same bytes has left", async () => {
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
    await feed(stopped, bytes.subarray(0, 18 * MiB));
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
    // The first megabytes differ: that part alone must be sent again.
    const changed = bytes.slice();
    changed[partSize + 100]! ^= 1;
    await feed(other, changed);
    await other.finish(header);
    const kept = parts.map(({ number }) => number).filter((number) => number !== 2);
    expect(sent.sort()).toEqual([1, 2, 3, 4, 5].filter((number) => !kept.includes(number)));
    expectBytes((await stored("resumed"))!, Buffer.concat([header, changed]));
    expect(await orphans()).toBe(0);
  });

  it("ends with the signal's own reason, whatever it waits for", async () => {
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

  it("leaves the old object as it was when the server dies, and says so", async ({ skip }) => {
    skip(server.kind === "external", "a server that was not started here is not killed");
    await writeArchive(stores.sdk.sink(`${bucket}/dying`), 1);
    const sink = s3Store({ ...server, retry: { attempts: 2, firstDelay: 5 } }).sink(`${bucket}/dying`, {
      partSize,
    });
    await feed(sink, noise(11 * MiB));
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

/** A target that keeps count of what is in memory and answers slowly. */
function fakeTarget(delay = 0): UploadTarget & { log: string[]; most: number } {
  const log: string[] = [];
  let underWay = 0;
  const target = {
    label: "s3://fake/object",
    put: "overwrite" as const,
    log,
    most: 0,
    async putObject(body: Uint8Array) {
      log.push(`put ${body.length}`);
      return { size: body.length };
    },
    async createUpload() {
      log.push("create");
      return { id: "1", crc32: false };
    },
    async uploadPart(_: OpenUpload, number: number, body: Uint8Array) {
      target.most = Math.max(target.most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, delay));
      underWay--;
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
  it("sends equal parts, the first one last, and commits at the very end", async () => {
    const target = fakeTarget();
    const sink = multipartSink(target, { partSize, concurrency: 1 });
    await feed(sink, new Uint8Array(3 * partSize));
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

  it("makes the writer wait when parts do not get away", async () => {
    const target = fakeTarget(20);
    const sink = multipartSink(target, { partSize, concurrency: 2 });
    await feed(sink, new Uint8Array(9 * partSize));
    await sink.finish(header);
    expect(target.most).toBe(2);
  });

  it("tells a failed part at the next call, stops the others and removes everything", async () => {
    const target = fakeTarget();
    const wrong = new Error("no");
    const sink = multipartSink(
      {
        ...target,
        uploadPart: async (_, number) => Promise.reject(number === 2 ? wrong : new Error("later")),
      },
      { partSize },
    );
    await expect(feed(sink, new Uint8Array(9 * partSize))).rejects.toBe(wrong);
    await expect(sink.finish(header)).rejects.toMatchObject({ code: "closed" });
    expect(target.log).toEqual(["create", "abort"]);
  });

  it("sizes its parts by what is declared", () => {
    expect(partSizing({}).of(10_000)).toBe(16 * MiB);
    expect(partSizing({ maxSize: 10 }).of(1)).toBe(16 * MiB);
    const tera = partSizing({ maxSize: 2 ** 40 }).of(1);
    expect(tera * 10_000).toBeGreaterThanOrEqual(2 ** 40);
    expect(tera % MiB).toBe(0);
    expect(partSizing({ maxSize: 10_000 * 5 * 2 ** 30 }).of(1)).toBe(5 * 2 ** 30);
    const growing = partSizing({ partSize, growing: true });
    expect([1, 1000, 1001, 10_000].map((number) => growing.of(number) / partSize)).toEqual([1, 1, 2, 10]);
    let held = 0;
    const declared = partSizing({ maxSize: 2 ** 40, growing: true });
    for (let number = 1; number <= 10_000; number++) held += declared.of(number);
    expect(held).toBeGreaterThanOrEqual(2 ** 40);
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
