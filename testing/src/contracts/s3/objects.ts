import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { fingerprint, md5, patterned, put, refusal, type Subject } from "./subject.js";

const KEYS = [
  "plain",
  "with space",
  "a/b/c.d/e",
  "ü€😀",
  "q?x=1&y#z",
  "+%2F%25",
  "(it's)!*",
  "..a/.b",
  "日本/語.bin",
];

/** Registers the tests of single objects: what is put comes back, whole and by ranges. */
export function objectTests(subject: Subject): void {
  const get = async (Key: string, more: Partial<GetObjectCommandInput> = {}) => {
    const { client, bucket } = subject();
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key, ...more }));
    return { ...answer, bytes: Buffer.from((await answer.Body?.transformToByteArray()) ?? []) };
  };

  describe("objects", () => {
    it("gives back what was put, with its type and metadata, and the MD5 as ETag", async () => {
      const bytes = patterned(300_000);
      const etag = await put(subject(), "objects/a", bytes, {
        ContentType: "application/x-test",
        CacheControl: "no-store",
        Metadata: { format: "7" },
      });
      expect(etag).toBe(`"${md5(bytes)}"`);
      const answer = await get("objects/a");
      expect(fingerprint(answer.bytes)).toBe(fingerprint(bytes));
      expect(answer.ETag).toBe(etag);
      expect(answer.ContentLength).toBe(bytes.length);
      expect(answer.ContentType).toBe("application/x-test");
      expect(answer.CacheControl).toBe("no-store");
      expect(answer.Metadata).toEqual({ format: "7" });
      expect(answer.AcceptRanges).toBe("bytes");
      expect(answer.LastModified?.getTime()).toBeGreaterThan(Date.now() - 3_600_000);
    });

    it("answers HEAD with the headers of GET", async () => {
      const { client, bucket } = subject();
      const etag = await put(subject(), "objects/head", "12345");
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "objects/head" }));
      expect([head.ETag, head.ContentLength]).toEqual([etag, 5]);
    });

    it("replaces an object, and keeps an empty one", async () => {
      await put(subject(), "objects/twice", "first");
      await put(subject(), "objects/twice", new Uint8Array());
      const answer = await get("objects/twice");
      expect(answer.ContentLength).toBe(0);
      expect(answer.bytes.length).toBe(0);
    });

    it.each(KEYS)("keeps the key %j apart from all others", async (key) => {
      // A directory may share its name with a file on S3, and not on every disk: each key gets a place of its own.
      const Key = `keys-${KEYS.indexOf(key)}/${key}`;
      await put(subject(), Key, Key);
      expect((await get(Key)).bytes.toString()).toBe(Key);
    });

    it("answers 404 for a key, and for a bucket, that is not there", async () => {
      const { client } = subject();
      expect(await refusal(get("objects/none"))).toEqual({ status: 404, code: "NoSuchKey" });
      const elsewhere = new GetObjectCommand({ Bucket: "peekpack-no-such-bucket", Key: "x" });
      expect(await refusal(client.send(elsewhere))).toEqual({ status: 404, code: "NoSuchBucket" });
    });

    it("deletes objects, one by one and many at once, and does not mind their absence", async () => {
      const { client, bucket: Bucket } = subject();
      for (const key of ["d/1", "d/2", "d/3"]) await put(subject(), key, key);
      await client.send(new DeleteObjectCommand({ Bucket, Key: "d/1" }));
      await client.send(new DeleteObjectCommand({ Bucket, Key: "d/1" }));
      const Objects = [{ Key: "d/2" }, { Key: "d/3" }, { Key: "d/none" }];
      const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      expect(Errors ?? []).toEqual([]);
      for (const key of ["d/1", "d/2", "d/3"]) expect((await refusal(get(key))).status).toBe(404);
    });
  });

  describe("ranges", () => {
    const bytes = patterned(100_000, 2);
    const Key = "ranges/object";
    const ranges: readonly [string, number, number][] = [
      ["bytes=0-0", 0, 1],
      ["bytes=10-19", 10, 20],
      ["bytes=99999-99999", 99_999, 100_000],
      ["bytes=40000-", 40_000, 100_000],
      ["bytes=-1", 99_999, 100_000],
      ["bytes=-1000", 99_000, 100_000],
      ["bytes=99990-200000", 99_990, 100_000],
      ["bytes=-200000", 0, 100_000],
    ];

    it.each(ranges)("gives %s, clipped at the object's end", async (Range, start, end) => {
      const etag = await put(subject(), Key, bytes);
      const answer = await get(Key, { Range });
      expect(answer.$metadata.httpStatusCode).toBe(206);
      expect(answer.ContentRange).toBe(`bytes ${start}-${end - 1}/100000`);
      expect(answer.ContentLength).toBe(end - start);
      expect(answer.ETag).toBe(etag);
      expect(fingerprint(answer.bytes)).toBe(fingerprint(bytes.subarray(start, end)));
    });

    it.each(["bytes=100000-", "bytes=100000-100010", "bytes=5000000-5000001"])(
      "answers 416 for %s, which begins behind the end",
      async (Range) => {
        await put(subject(), Key, bytes);
        expect(await refusal(get(Key, { Range }))).toEqual({ status: 416, code: "InvalidRange" });
      },
    );

    it("answers 416 for a range of an empty object", async () => {
      await put(subject(), "ranges/empty", new Uint8Array());
      expect((await refusal(get("ranges/empty", { Range: "bytes=0-9" }))).status).toBe(416);
    });
  });

  describe("conditional reads", () => {
    it("answers If-Match of the present ETag, and 412 for another", async () => {
      const old = await put(subject(), "conditional/read", "old");
      expect((await get("conditional/read", { IfMatch: old, Range: "bytes=0-1" })).bytes.toString()).toBe(
        "ol",
      );
      const etag = await put(subject(), "conditional/read", "new");
      expect(await refusal(get("conditional/read", { IfMatch: old, Range: "bytes=0-1" }))).toEqual({
        status: 412,
        code: "PreconditionFailed",
      });
      expect((await get("conditional/read", { IfMatch: etag })).bytes.toString()).toBe("new");
    });

    it("answers 304 for If-None-Match of the present ETag", async () => {
      const etag = await put(subject(), "conditional/cached", "x");
      expect((await refusal(get("conditional/cached", { IfNoneMatch: etag }))).status).toBe(304);
      expect((await get("conditional/cached", { IfNoneMatch: '"other"' })).bytes.toString()).toBe("x");
    });
  });
}
