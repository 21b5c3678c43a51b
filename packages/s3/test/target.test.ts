import {
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { freshBucket, s3Client } from "@peekpack/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  clientTarget,
  type PresignRequest,
  type PutMode,
  presignedTarget,
  presignUpload,
  s3Store,
  type UploadTarget,
} from "../src/index.js";
import { uploadContent } from "../src/internal.js";
import { expectBytes, noise, onEachServer } from "./live-servers.js";

const MiB = 2 ** 20;
const retry = { baseMs: 5 };
const large = noise(12 * MiB + 345);
const content = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: async (start: number, end: number) => bytes.slice(start, end),
});

await onEachServer("writing", (server) => {
  let bucket: string;
  let client: S3Client;
  beforeAll(async () => {
    bucket = await freshBucket(server, "write");
    client = s3Client(server);
  });
  afterAll(() => client.destroy());

  const stored = async (Key: string): Promise<Uint8Array> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return Body!.transformToByteArray();
  };
  const orphans = async (): Promise<number> =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;

  const targets: Record<string, (key: string, put?: PutMode) => UploadTarget> = {
    "the SDK": (key, put) => s3Store({ ...server, retry, writer: "sdk" }).target(`${bucket}/${key}`, { put }),
    "signed fetch": (key, put) =>
      s3Store({ ...server, retry, writer: "fetch" }).target(`${bucket}/${key}`, { put }),
    "a client of the caller's": (key, put) =>
      clientTarget(client, { Bucket: bucket, Key: key }, { put, retry }),
    "URLs of presignUpload": (key, put) =>
      presignedTarget(
        (request) => presignUpload(s3Store(server), `${bucket}/${key}`, JSON.parse(JSON.stringify(request))),
        { label: `s3://${bucket}/${key}`, put, retry },
      ),
    "presigned URLs that cover no headers": (key, put) =>
      presignedTarget(({ method, query }) => s3Store(server).presign(`${bucket}/${key}`, { method, query }), {
        put,
      }),
  };

  describe.each(Object.entries(targets))("by %s", (name, make) => {
    const key = (end: string): string => `${name} ü+/${end}`;

    it("writes an object and returns its size and ETag", async () => {
      const target = make(key("put"));
      const made = await target.putObject(noise(1000));
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key("put") }));
      expect(made).toMatchObject({ size: 1000, etag: head.ETag });
      expectBytes(await stored(key("put")), noise(1000));
      expect((await make(key("empty")).putObject(new Uint8Array(0))).size).toBe(0);
    });

    it("uploads parts in any order, lists and completes them", async () => {
      const target = make(key("parts"));
      const upload = await target.createUpload();
      expect(await target.listParts(upload)).toEqual([]);
      const three = await target.uploadPart(upload, 3, large.subarray(10 * MiB));
      const one = await target.uploadPart(upload, 1, large.subarray(0, 5 * MiB));
      await target.uploadPart(upload, 2, noise(100));
      const two = await target.uploadPart(upload, 2, large.subarray(5 * MiB, 10 * MiB));
      const listed = await target.listParts(upload);
      expect(listed.map(({ number, size, etag }) => ({ number, size, etag }))).toEqual(
        [one, two, three].map(({ number, size, etag }) => ({ number, size, etag })),
      );
      const made = await target.completeUpload(upload, [one, two, three]);
      expect(made.size).toBe(large.length);
      expectBytes(await stored(key("parts")), large);
      await expect(target.listParts(upload)).rejects.toMatchObject({ code: "not-found" });
      // Another process may have completed it already.
      expect(await target.completeUpload(upload, [one, two, three], { again: true })).toMatchObject({
        size: large.length,
        etag: made.etag,
      });
      expect(await orphans()).toBe(0);
    });

    it("lets the server check the checksum of the whole object", async ({ skip }) => {
      const target = make(key("checked"));
      const upload = await target.createUpload();
      if (!upload.crc32) await target.abortUpload(upload);
      skip(!upload.crc32, "presigned URLs that do not cover checksums have MD5s instead");
      const parts = [
        await target.uploadPart(upload, 1, large.subarray(0, 5 * MiB)),
        await target.uploadPart(upload, 2, large.subarray(5 * MiB, 10 * MiB)),
      ];
      const forged = parts.map((part) => ({ ...part, crc32: part.crc32! ^ 1 }));
      await expect(target.completeUpload(upload, forged)).rejects.toThrow(
        /Digest|Checksum|InvalidPart|InvalidRequest/,
      );
      await target.abortUpload(upload);
    });

    it("aborts an upload for good", async () => {
      const target = make(key("aborted"));
      const upload = await target.createUpload();
      await target.uploadPart(upload, 1, noise(100));
      await target.abortUpload(upload);
      await target.abortUpload(upload);
      await expect(target.uploadPart(upload, 2, noise(100))).rejects.toMatchObject({ code: "not-found" });
      expect(await orphans()).toBe(0);
    });

    it.each([
      ["one PUT", noise(5000), noise(6000, 2)],
      ["parts", noise(6 * MiB), noise(7 * MiB, 2)],
    ])("obeys the put mode with %s", async (how, first, second) => {
      const where = key(`modes ${how}`);
      const options = { partSize: 5 * MiB, threshold: 10_000 };
      const write = (bytes: Uint8Array, put?: PutMode) =>
        uploadContent(make(where, put), content(bytes), options);
      await expect(write(first, { ifMatch: '"0123"' })).rejects.toMatchObject({ code: "changed" });
      const made = await write(first, "create");
      expectBytes(await stored(where), first);
      await expect(write(second, "create")).rejects.toMatchObject({ code: "exists" });
      await expect(write(second, { ifMatch: '"0123"' })).rejects.toMatchObject({ code: "changed" });
      expectBytes(await stored(where), first);
      await write(second, { ifMatch: made.etag! });
      expectBytes(await stored(where), second);
      await expect(write(first, { ifMatch: made.etag! })).rejects.toMatchObject({ code: "changed" });
      await write(first);
      expectBytes(await stored(where), first);
      expect(await orphans()).toBe(0);
    });

    it("lets exactly one of two creators win", async () => {
      const where = key("race");
      const results = await Promise.allSettled(
        [1, 2, 3, 4].map((seed) => uploadContent(make(where, "create"), content(noise(2000, seed)))),
      );
      const won = results.flatMap(({ status }, index) => (status === "fulfilled" ? [index + 1] : []));
      expect(won.length).toBe(1);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "exists" });
      }
      expectBytes(await stored(where), noise(2000, won[0]!));
    });

    it("rejects with the signal's own reason and leaves nothing behind", async () => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const upload = uploadContent(make(key("stopped")), content(large), {
        partSize: 5 * MiB,
        threshold: 0,
        concurrency: 1,
        signal: controller.signal,
        onProgress: ({ parts }) => {
          if (parts.uploaded === 1) controller.abort(reason);
        },
      });
      await expect(upload).rejects.toBe(reason);
      expect(await orphans()).toBe(0);
      await expect(stored(key("stopped"))).rejects.toThrow();
    });

    it("emits progress", async () => {
      const events: string[] = [];
      await uploadContent(make(key("progress")), content(large), {
        partSize: 5 * MiB,
        threshold: 0,
        onProgress: ({ phase, bytesUploaded, totalBytes, parts }) => {
          events.push(`${phase} ${bytesUploaded}/${totalBytes} ${parts.uploaded}/${parts.total}`);
        },
      });
      expect(events.at(0)).toMatch(/^uploading 0\//);
      expect(events.at(-2)).toBe(`completing ${large.length}/${large.length} 3/3`);
      expect(events.at(-1)).toBe(`done ${large.length}/${large.length} 3/3`);
    });
  });

  it("asks the presigner for its requests and never sends an unsigned x-amz- header", async () => {
    const asked: PresignRequest[] = [];
    const sent: Request[] = [];
    const target = presignedTarget(
      (request) => {
        asked.push(request);
        return s3Store(server).presign(`${bucket}/asked`, request);
      },
      {
        fetch(request) {
          sent.push(request.clone());
          return fetch(request);
        },
      },
    );
    await target.putObject(noise(10), { signal: AbortSignal.timeout(10_000) });
    expect(asked.map(({ operation, method }) => `${method} ${operation}`)).toEqual(["PUT PutObject"]);
    expect(asked[0]!.headers).toHaveProperty("x-amz-checksum-crc32");
    const signed = new URL(sent[0]!.url).searchParams.get("X-Amz-SignedHeaders")!.split(";");
    for (const name of sent[0]!.headers.keys()) {
      if (name.startsWith("x-amz-")) expect(signed).toContain(name);
    }
  });

  it("rejects with what the presigner throws", async () => {
    const mine = new Error("my backend is away");
    const target = presignedTarget(() => {
      throw mine;
    });
    await expect(target.putObject(noise(10))).rejects.toBe(mine);
  });
});
