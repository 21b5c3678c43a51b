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

/** Registers tests of single objects, whole and by ranges. */
export function objectTests(subject: Subject): void {
  const get = async (Key: string, more: Partial<GetObjectCommandInput> = {}) => {
    const { client, bucket } = subject();
    const response = await client.send(new GetObjectCommand({ Bucket: bucket, Key, ...more }));
    return { ...response, bytes: Buffer.from((await response.Body?.transformToByteArray()) ?? []) };
  };

  describe("objects", () => {
    it("returns the bytes, type and metadata that were put, and their MD5 as ETag", async () => {
      const bytes = patterned(300_000);
      const etag = await put(subject(), "objects/a", bytes, {
        ContentType: "application/x-test",
        CacheControl: "no-store",
        Metadata: { format: "7" },
      });
      expect(etag).toBe(`"${md5(bytes)}"`);
      const response = await get("objects/a");
      expect(fingerprint(response.bytes)).toBe(fingerprint(bytes));
      expect(response.ETag).toBe(etag);
      expect(response.ContentLength).toBe(bytes.length);
      expect(response.ContentType).toBe("application/x-test");
      expect(response.CacheControl).toBe("no-store");
      expect(response.Metadata).toEqual({ format: "7" });
      expect(response.AcceptRanges).toBe("bytes");
      expect(response.LastModified?.getTime()).toBeGreaterThan(Date.now() - 3_600_000);
    });

    it("responds to HEAD with the headers of GET", async () => {
      const { client, bucket } = subject();
      const etag = await put(subject(), "objects/head", "12345");
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "objects/head" }));
      expect([head.ETag, head.ContentLength]).toEqual([etag, 5]);
    });

    it("replaces an object, and stores an empty one", async () => {
      await put(subject(), "objects/twice", "first");
      await put(subject(), "objects/twice", new Uint8Array());
      const response = await get("objects/twice");
      expect(response.ContentLength).toBe(0);
      expect(response.bytes.length).toBe(0);
    });

    it.each(KEYS)("distinguishes the key %j from all others", async (key) => {
      // On S3 a key may be a prefix of another, in a file system not: each key gets its own prefix.
      const Key = `keys-${KEYS.indexOf(key)}/${key}`;
      await put(subject(), Key, Key);
      expect((await get(Key)).bytes.toString()).toBe(Key);
    });

    it("responds 404 to a missing key and to a missing bucket", async () => {
      const { client } = subject();
      expect(await refusal(get("objects/none"))).toEqual({ status: 404, code: "NoSuchKey" });
      const elsewhere = new GetObjectCommand({ Bucket: "peekpack-no-such-bucket", Key: "x" });
      expect(await refusal(client.send(elsewhere))).toEqual({ status: 404, code: "NoSuchBucket" });
    });

    it("deletes objects singly and in batches, and ignores missing ones", async () => {
      const { client, bucket: Bucket } = subject();
      for (const key of ["d/1", "d/2", "d/3"]) await put(subject(), key, key);
      await client.send(new DeleteObjectCommand({ Bucket, Key: "d/1" }));
      await client.send(new DeleteObjectCommand({ Bucket, Key: "d/1" }));
      const Objects = [{ Key: "d/2" }, { Key: "d/3" }, { Key: "d/none" }];
      const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      expect(Errors ?? []).toEqual([]);
      for (const key of ["d/1", "d/2", "d/3"]) expect((await refusal(get(key))).status).toBe(404);
    });

    it("treats If-Match of another ETag on a DELETE as recorded for this server", async () => {
      const { client, bucket: Bucket, differences } = subject();
      const old = await put(subject(), "d/condition", "old");
      const etag = await put(subject(), "d/condition", "new");
      const remove = (IfMatch: string) =>
        client.send(new DeleteObjectCommand({ Bucket, Key: "d/condition", IfMatch }));
      if (differences.conditionalDelete === "honored") {
        expect((await refusal(remove(old))).status).toBe(412);
        await get("d/condition");
        await remove(etag);
      } else await remove(old);
      expect((await refusal(get("d/condition"))).status).toBe(404);
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

    it.each(ranges)("returns %s, clipped to the object", async (Range, start, end) => {
      const etag = await put(subject(), Key, bytes);
      const response = await get(Key, { Range });
      expect(response.$metadata.httpStatusCode).toBe(206);
      expect(response.ContentRange).toBe(`bytes ${start}-${end - 1}/100000`);
      expect(response.ContentLength).toBe(end - start);
      expect(response.ETag).toBe(etag);
      expect(fingerprint(response.bytes)).toBe(fingerprint(bytes.subarray(start, end)));
    });

    it.each(["bytes=100000-", "bytes=100000-100010", "bytes=5000000-5000001"])(
      "responds 416 to %s, which starts after the end",
      async (Range) => {
        await put(subject(), Key, bytes);
        expect(await refusal(get(Key, { Range }))).toEqual({ status: 416, code: "InvalidRange" });
      },
    );

    it("responds 416 to a range of an empty object", async () => {
      await put(subject(), "ranges/empty", new Uint8Array());
      expect((await refusal(get("ranges/empty", { Range: "bytes=0-9" }))).status).toBe(416);
    });
  });

  describe("conditional reads", () => {
    it("reads with If-Match of the current ETag, and responds 412 to another", async () => {
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

    it("responds 304 to If-None-Match of the current ETag", async () => {
      const etag = await put(subject(), "conditional/cached", "x");
      expect((await refusal(get("conditional/cached", { IfNoneMatch: etag }))).status).toBe(304);
      expect((await get("conditional/cached", { IfNoneMatch: '"other"' })).bytes.toString()).toBe("x");
    });
  });
}
