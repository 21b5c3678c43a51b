import { PutObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { allowPublicReads, freshBucket, removeBucket } from "../../s3/client.js";
import { sendRequest } from "../../s3/signing.js";
import type { Subject } from "./subject.js";

/** Registers tests of buckets that everybody may read. */
export function policyTests(subject: Subject): void {
  describe("a public bucket", () => {
    it("serves objects with their content types to requests without a signature, and nothing else", async () => {
      const { access, client } = subject();
      const bucket = await freshBucket(access, "public");
      const url = `${access.endpoint}/${bucket}/page/index.html`;
      const Body = Buffer.from("<title>a page</title>");
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: "page/index.html", Body, ContentType: "text/html" }),
      );
      expect((await sendRequest({ url, method: "GET", headers: {} })).status).toBe(403);

      await allowPublicReads(access, bucket);
      const page = await sendRequest({ url, method: "GET", headers: {} });
      expect(page.status).toBe(200);
      expect(page.headers["content-type"]).toMatch(/^text\/html\b/);
      expect(page.body.toString()).toBe(Body.toString());
      const range = await sendRequest({ url, method: "GET", headers: { range: "bytes=0-6" } });
      expect([range.status, range.body.toString()]).toEqual([206, "<title>"]);

      const write = { url, method: "PUT", headers: { "content-length": "1" }, body: Buffer.from("x") };
      expect((await sendRequest(write)).status).toBe(403);
      expect((await sendRequest({ url, method: "DELETE", headers: {} })).status).toBe(403);
      const listing = `${access.endpoint}/${bucket}?list-type=2`;
      expect((await sendRequest({ url: listing, method: "GET", headers: {} })).status).toBe(403);
      await removeBucket(access, bucket);
    });
  });
}
