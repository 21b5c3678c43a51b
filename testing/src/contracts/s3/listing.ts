import {
  CreateBucketCommand,
  DeleteBucketCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { md5, put, refusal, type Subject } from "./subject.js";

/** Registers tests of buckets and listings. */
export function listingTests(subject: Subject): void {
  describe("buckets", () => {
    it("creates, finds and lists a bucket, and deletes it only if it is empty", async () => {
      const { client, bucket } = subject();
      const Bucket = `${bucket}-second`;
      expect((await refusal(client.send(new HeadBucketCommand({ Bucket })))).status).toBe(404);
      await client.send(new CreateBucketCommand({ Bucket }));
      await client.send(new HeadBucketCommand({ Bucket }));
      const names = (await client.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name);
      expect(names).toContain(Bucket);
      expect(names).toContain(bucket);
      expect((await refusal(client.send(new DeleteBucketCommand({ Bucket: bucket })))).status).toBe(409);
      await client.send(new DeleteBucketCommand({ Bucket }));
      expect((await refusal(client.send(new HeadBucketCommand({ Bucket })))).status).toBe(404);
    });
  });

  describe("listing objects", () => {
    const keys = ["l/a", "l/b/1", "l/b/2", "l/c", "l/d/x/1", "l/e", "l/é", "l/ü x+y"];

    const pages = async (input: Partial<ListObjectsV2CommandInput>) => {
      const { client, bucket: Bucket } = subject();
      const seen: string[][] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket, Prefix: "l/", ...input, ContinuationToken }),
        );
        const objects = (page.Contents ?? []).map(({ Key = "" }) => Key);
        const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix);
        seen.push([...objects, ...prefixes].sort());
        ContinuationToken = page.NextContinuationToken;
        expect(page.IsTruncated === true).toBe(ContinuationToken !== undefined);
        if (seen.length > 20) throw new Error("the listing does not end");
      } while (ContinuationToken !== undefined);
      return seen;
    };

    it("lists keys with a prefix, ordered by bytes, with size and ETag", async () => {
      const { client, bucket: Bucket } = subject();
      for (const key of keys) await put(subject(), key, key);
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: "l/" }));
      expect(Contents.map(({ Key }) => Key)).toEqual(keys);
      const [first] = Contents;
      expect([first?.Size, first?.ETag]).toEqual([3, `"${md5(Buffer.from("l/a"))}"`]);
    });

    it("lists every key once across pages", async () => {
      for (const key of keys) await put(subject(), key, key);
      expect(await pages({ MaxKeys: 3 })).toEqual([keys.slice(0, 3), keys.slice(3, 6), keys.slice(6)]);
    });

    it("groups keys by delimiter, also across pages", async () => {
      for (const key of keys) await put(subject(), key, key);
      const expected = ["l/a", "l/b/", "l/c", "l/d/", "l/e", "l/é", "l/ü x+y"];
      for (const MaxKeys of [1, 2, 3, 1000]) {
        const seen = await pages({ Delimiter: "/", MaxKeys });
        expect(seen.flat()).toEqual(expected);
        expect(Math.max(...seen.map((page) => page.length))).toBeLessThanOrEqual(MaxKeys);
      }
    });

    it("starts after StartAfter", async () => {
      for (const key of keys) await put(subject(), key, key);
      expect((await pages({ StartAfter: "l/c" })).flat()).toEqual(keys.slice(4));
    });

    it("lists nothing in an empty bucket or prefix", async () => {
      expect(await pages({ Prefix: "nothing/" })).toEqual([[]]);
    });
  });
}
