import {
  CopyObjectCommand,
  type CopyObjectCommandInput,
  GetObjectCommand,
  UploadPartCopyCommand,
  type UploadPartCopyCommandInput,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { TestUpload } from "./multipart.js";
import { fingerprint, MIB, md5, patterned, put, refusal, type Subject } from "./subject.js";

/** Registers tests of server-side copies. */
export function copyTests(subject: Subject): void {
  const bytesOf = async (Key: string): Promise<Buffer> => {
    const { client, bucket } = subject();
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const copy = (from: string, Key: string, more: Partial<CopyObjectCommandInput> = {}) => {
    const { client, bucket } = subject();
    const CopySource = `${bucket}/${encodeURIComponent(from)}`;
    return client.send(new CopyObjectCommand({ Bucket: bucket, Key, CopySource, ...more }));
  };
  const copyPart = async (
    upload: TestUpload,
    PartNumber: number,
    from: string,
    more: Partial<UploadPartCopyCommandInput> = {},
  ) => {
    const { client, bucket } = subject();
    const CopySource = `${bucket}/${encodeURIComponent(from)}`;
    const command = new UploadPartCopyCommand({ ...upload.address, PartNumber, CopySource, ...more });
    const { CopyPartResult } = await client.send(command);
    return { PartNumber, ETag: CopyPartResult?.ETag ?? "" };
  };

  describe("CopyObject", () => {
    it("copies bytes and metadata, also from a key that needs percent-encoding", async () => {
      await put(subject(), "copy/from ü+(1)", "bytes", { Metadata: { kind: "source" } });
      const { CopyObjectResult } = await copy("copy/from ü+(1)", "copy/to");
      expect(CopyObjectResult?.ETag).toBe(`"${md5(Buffer.from("bytes"))}"`);
      expect((await bytesOf("copy/to")).toString()).toBe("bytes");
    });

    it("copies a source only if it matches CopySourceIfMatch", async () => {
      const old = await put(subject(), "copy/pinned", "old");
      const etag = await put(subject(), "copy/pinned", "new");
      expect(await refusal(copy("copy/pinned", "copy/pinned-to", { CopySourceIfMatch: old }))).toEqual({
        status: 412,
        code: "PreconditionFailed",
      });
      await copy("copy/pinned", "copy/pinned-to", { CopySourceIfMatch: etag });
      expect((await bytesOf("copy/pinned-to")).toString()).toBe("new");
    });

    it("copies an object onto itself if the metadata are replaced", async () => {
      const etag = await put(subject(), "copy/self", "same");
      await copy("copy/self", "copy/self", {
        CopySourceIfMatch: etag,
        MetadataDirective: "REPLACE",
        Metadata: { touched: "yes" },
      });
      expect((await bytesOf("copy/self")).toString()).toBe("same");
    });

    it("responds 404 to a missing source", async () => {
      expect((await refusal(copy("copy/none", "copy/to"))).status).toBe(404);
    });
  });

  describe("UploadPartCopy", () => {
    const source = patterned(12 * MIB, 21);
    const tail = patterned(100, 22);

    it("assembles an object from copied ranges and uploaded parts", async () => {
      const etag = await put(subject(), "parts/source", source);
      const upload = await TestUpload.create(subject, "parts/made");
      const one = await copyPart(upload, 1, "parts/source", {
        CopySourceRange: `bytes=7-${6 * MIB + 6}`,
        CopySourceIfMatch: etag,
      });
      expect(one.ETag).toBe(`"${md5(source.subarray(7, 6 * MIB + 7))}"`);
      const two = await copyPart(upload, 2, "parts/source");
      const three = await upload.part(3, tail);
      await upload.complete([one, two, three]);
      const expected = Buffer.concat([source.subarray(7, 6 * MIB + 7), source, tail]);
      expect(fingerprint(await bytesOf("parts/made"))).toBe(fingerprint(expected));
    });

    it("appends to an object by copying it onto its own key with If-Match", async () => {
      const etag = await put(subject(), "parts/self", source);
      const upload = await TestUpload.create(subject, "parts/self");
      const one = await copyPart(upload, 1, "parts/self", { CopySourceIfMatch: etag });
      const two = await upload.part(2, tail);
      await upload.complete([one, two], { IfMatch: etag });
      expect(fingerprint(await bytesOf("parts/self"))).toBe(fingerprint(Buffer.concat([source, tail])));
    });

    it("rejects a source that no longer matches CopySourceIfMatch", async () => {
      const old = await put(subject(), "parts/pinned", "old");
      await put(subject(), "parts/pinned", "new");
      const upload = await TestUpload.create(subject, "parts/pinned-to");
      expect(await refusal(copyPart(upload, 1, "parts/pinned", { CopySourceIfMatch: old }))).toEqual({
        status: 412,
        code: "PreconditionFailed",
      });
      await upload.abort();
    });

    it("rejects a range beyond the end of the source", async () => {
      await put(subject(), "parts/short", source);
      const upload = await TestUpload.create(subject, "parts/beyond");
      const CopySourceRange = `bytes=0-${source.length}`;
      const { status } = await refusal(copyPart(upload, 1, "parts/short", { CopySourceRange }));
      expect([400, 416]).toContain(status);
      await upload.abort();
    });
  });
}
