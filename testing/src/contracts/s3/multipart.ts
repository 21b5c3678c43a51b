import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  UploadPartCommand,
  type UploadPartCommandInput,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { fingerprint, MIB, md5, patterned, put, refusal, type Subject } from "./subject.js";

type Completed = CompletedPart & { readonly PartNumber: number; readonly ETag: string };

/** An upload in progress. */
export class TestUpload {
  readonly key: string;
  readonly id: string;
  readonly #subject: Subject;
  readonly #checked: boolean;

  private constructor(subject: Subject, key: string, id: string, checked: boolean) {
    this.#subject = subject;
    this.key = key;
    this.id = id;
    this.#checked = checked;
  }

  static async create(
    subject: Subject,
    key: string,
    more: Partial<CreateMultipartUploadCommandInput> = {},
  ): Promise<TestUpload> {
    const { client, bucket } = subject();
    const command = new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ...more });
    const { UploadId } = await client.send(command);
    return new TestUpload(subject, key, UploadId ?? "", more.ChecksumAlgorithm !== undefined);
  }

  get address(): { Bucket: string; Key: string; UploadId: string } {
    return { Bucket: this.#subject().bucket, Key: this.key, UploadId: this.id };
  }

  async part(
    PartNumber: number,
    Body: Uint8Array,
    more: Partial<UploadPartCommandInput> = {},
  ): Promise<Completed> {
    const command = new UploadPartCommand({ ...this.address, PartNumber, Body, ...more });
    const { ETag = "", ...response } = await this.#subject().client.send(command);
    // versitygw requires the parts' checksums at completion if the upload was created with an algorithm, and rejects
    // them if it was not.
    if (!this.#checked) return { PartNumber, ETag };
    const { ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME } = response;
    return { PartNumber, ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME };
  }

  /** @returns the new object's ETag */
  async complete(
    parts: readonly Completed[],
    more: Partial<CompleteMultipartUploadCommandInput> = {},
  ): Promise<string> {
    const MultipartUpload = { Parts: [...parts] };
    const command = new CompleteMultipartUploadCommand({ ...this.address, MultipartUpload, ...more });
    const { ETag = "" } = await this.#subject().client.send(command);
    return ETag;
  }

  async abort(): Promise<void> {
    await this.#subject().client.send(new AbortMultipartUploadCommand(this.address));
  }
}

/** Registers tests of multipart uploads. */
export function multipartTests(subject: Subject): void {
  const bytesOf = async (Key: string): Promise<Buffer> => {
    const { client, bucket } = subject();
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const [first, second, last] = [patterned(5 * MIB, 11), patterned(5 * MIB, 12), patterned(1000, 13)];

  describe("multipart", () => {
    it("assembles parts by number, in whatever order they arrive", async () => {
      const upload = await TestUpload.create(subject, "multipart/order", { Metadata: { made: "of parts" } });
      const three = await upload.part(3, last);
      const one = await upload.part(1, first);
      const two = await upload.part(2, second);
      const etag = await upload.complete([one, two, three]);
      const whole = Buffer.concat([first, second, last]);
      expect(fingerprint(await bytesOf(upload.key))).toBe(fingerprint(whole));
      const { client, bucket: Bucket } = subject();
      const range = `bytes=${5 * MIB - 3}-${10 * MIB + 2}`;
      const across = await client.send(new GetObjectCommand({ Bucket, Key: upload.key, Range: range }));
      const bytes = Buffer.from((await across.Body?.transformToByteArray()) ?? []);
      expect(fingerprint(bytes)).toBe(fingerprint(whole.subarray(5 * MIB - 3, 10 * MIB + 3)));
      expect([across.ETag, across.Metadata]).toEqual([etag, { made: "of parts" }]);
    });

    it("derives the ETag from the parts' MD5s and their number", async () => {
      const upload = await TestUpload.create(subject, "multipart/etag");
      const parts = [await upload.part(1, first), await upload.part(2, last)];
      expect(parts[0]?.ETag).toBe(`"${md5(first)}"`);
      const sums = Buffer.from(md5(first) + md5(last), "hex");
      expect(await upload.complete(parts)).toBe(`"${md5(sums)}-2"`);
    });

    it("uses the last upload of a part number, and omits parts that are not named", async () => {
      const upload = await TestUpload.create(subject, "multipart/again");
      await upload.part(1, second);
      const one = await upload.part(1, first);
      await upload.part(2, second);
      const nine = await upload.part(9, last);
      await upload.complete([one, nine]);
      expect(fingerprint(await bytesOf(upload.key))).toBe(fingerprint(Buffer.concat([first, last])));
    });

    it("shows the old object, or none, until completion", async () => {
      await put(subject(), "multipart/old", "old");
      const upload = await TestUpload.create(subject, "multipart/old");
      const one = await upload.part(1, last);
      expect((await bytesOf("multipart/old")).toString()).toBe("old");
      await upload.complete([one]);
      expect(fingerprint(await bytesOf("multipart/old"))).toBe(fingerprint(last));
    });

    it("rejects a part below 5 MiB that is not the last", async () => {
      const upload = await TestUpload.create(subject, "multipart/small");
      const parts = [await upload.part(1, first.subarray(1)), await upload.part(2, last)];
      expect(await refusal(upload.complete(parts))).toEqual({ status: 400, code: "EntityTooSmall" });
      await upload.abort();
    });

    it("rejects missing parts and parts out of order", async () => {
      const upload = await TestUpload.create(subject, "multipart/invalid");
      const [one, two] = [await upload.part(1, first), await upload.part(2, second)];
      const wrong = { PartNumber: 2, ETag: one.ETag };
      expect(await refusal(upload.complete([one, wrong]))).toEqual({ status: 400, code: "InvalidPart" });
      const absent = { PartNumber: 3, ETag: two.ETag };
      expect(await refusal(upload.complete([one, absent]))).toEqual({ status: 400, code: "InvalidPart" });
      expect(await refusal(upload.complete([two, one]))).toEqual({ status: 400, code: "InvalidPartOrder" });
      // A rejected completion leaves the upload open.
      await upload.complete([one, two]);
      expect((await bytesOf(upload.key)).length).toBe(first.length + second.length);
    });

    it("responds NoSuchUpload after an abort or a completion", async () => {
      const aborted = await TestUpload.create(subject, "multipart/aborted");
      const part = await aborted.part(1, last);
      await aborted.abort();
      for (const attempt of [() => aborted.part(2, last), () => aborted.complete([part])])
        expect(await refusal(attempt())).toEqual({ status: 404, code: "NoSuchUpload" });
      const { client } = subject();
      const list = client.send(new ListPartsCommand(aborted.address));
      expect(await refusal(list)).toEqual({ status: 404, code: "NoSuchUpload" });
      expect((await refusal(bytesOf("multipart/aborted"))).status).toBe(404);

      const completed = await TestUpload.create(subject, "multipart/completed");
      await completed.complete([await completed.part(1, last)]);
      expect(await refusal(completed.part(2, last))).toEqual({ status: 404, code: "NoSuchUpload" });
    });
  });

  describe("conditional completion", () => {
    it("creates with If-None-Match: *, and responds 412 if the key exists by then", async () => {
      const [a, b] = [
        await TestUpload.create(subject, "complete/create"),
        await TestUpload.create(subject, "complete/create"),
      ];
      const [partA, partB] = [await a.part(1, last), await b.part(1, first)];
      await a.complete([partA], { IfNoneMatch: "*" });
      expect(await refusal(b.complete([partB], { IfNoneMatch: "*" }))).toEqual({
        status: 412,
        code: "PreconditionFailed",
      });
      expect(fingerprint(await bytesOf("complete/create"))).toBe(fingerprint(last));
    });

    it("replaces with If-Match of the current ETag, and responds 412 to another", async () => {
      const old = await put(subject(), "complete/swap", "old");
      const upload = await TestUpload.create(subject, "complete/swap");
      const part = await upload.part(1, last);
      await put(subject(), "complete/swap", "meanwhile");
      expect(await refusal(upload.complete([part], { IfMatch: old }))).toEqual({
        status: 412,
        code: "PreconditionFailed",
      });
      expect((await bytesOf("complete/swap")).toString()).toBe("meanwhile");
      const again = await TestUpload.create(subject, "complete/swap");
      const etag = `"${md5(Buffer.from("meanwhile"))}"`;
      await again.complete([await again.part(1, last)], { IfMatch: etag });
      expect(fingerprint(await bytesOf("complete/swap"))).toBe(fingerprint(last));
    });

    it("responds 404 to If-Match on a missing key", async () => {
      const upload = await TestUpload.create(subject, "complete/none");
      const part = await upload.part(1, last);
      const IfMatch = `"${md5(last)}"`;
      expect(await refusal(upload.complete([part], { IfMatch }))).toEqual({ status: 404, code: "NoSuchKey" });
    });
  });

  describe("listing uploads and parts", () => {
    it("lists parts in pages, by number, with size and ETag", async () => {
      const upload = await TestUpload.create(subject, "listing/parts");
      const parts: Completed[] = [];
      for (const number of [5, 1, 4, 2, 3])
        parts.push(await upload.part(number, last.subarray(0, 100 + number)));
      const seen: unknown[] = [];
      const { client } = subject();
      let PartNumberMarker: string | undefined;
      let pages = 0;
      for (;;) {
        const page = await client.send(
          new ListPartsCommand({ ...upload.address, MaxParts: 2, PartNumberMarker }),
        );
        pages += 1;
        for (const { PartNumber, Size, ETag } of page.Parts ?? []) seen.push([PartNumber, Size, ETag]);
        if (page.IsTruncated !== true) break;
        PartNumberMarker = page.NextPartNumberMarker;
      }
      const expected = parts
        .sort((a, b) => a.PartNumber - b.PartNumber)
        .map(({ PartNumber, ETag }) => [PartNumber, 100 + PartNumber, ETag]);
      expect(seen).toEqual(expected);
      expect(pages).toBe(3);
      await upload.abort();
    });

    /** Every page of the uploads with prefix "up/"; `next` derives the markers from the previous page. */
    const uploadPages = async (
      next: (page: ListMultipartUploadsCommandOutput) => Partial<ListMultipartUploadsCommandInput>,
    ): Promise<[string, string][][]> => {
      const { client, bucket: Bucket } = subject();
      const pages: [string, string][][] = [];
      let marker: Partial<ListMultipartUploadsCommandInput> = {};
      for (;;) {
        const page = await client.send(
          new ListMultipartUploadsCommand({ Bucket, Prefix: "up/", MaxUploads: 2, ...marker }),
        );
        pages.push((page.Uploads ?? []).map(({ Key = "", UploadId = "" }) => [Key, UploadId]));
        if (page.IsTruncated !== true) return pages;
        marker = next(page);
        if (pages.length > 10) throw new Error("the listing does not end");
      }
    };

    const withUploads = async (keys: readonly string[], use: (ids: [string, string][]) => Promise<void>) => {
      const uploads: TestUpload[] = [];
      for (const key of keys) uploads.push(await TestUpload.create(subject, key));
      await use(uploads.map(({ key, id }) => [key, id]));
      for (const upload of uploads) await upload.abort();
    };

    it("lists uploads in progress in pages, by prefix and key", async () => {
      await withUploads(["other", "up/d", "up/b", "up/c", "up/a", "up/e"], async (uploads) => {
        const pages = await uploadPages(({ NextKeyMarker }) => ({ KeyMarker: NextKeyMarker }));
        expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
        expect(pages.flat()).toEqual(uploads.slice(1).sort());
      });
    });

    it("continues between uploads of one key as recorded for this server", async () => {
      const { differences } = subject();
      await withUploads(["up/a", "up/a", "up/a", "up/b"], async (uploads) => {
        const pages = uploadPages(({ NextKeyMarker, NextUploadIdMarker }) => ({
          KeyMarker: NextKeyMarker,
          UploadIdMarker: NextUploadIdMarker,
        }));
        if (differences.uploadIdMarker === "followed")
          expect((await pages).flat().sort()).toEqual(uploads.sort());
        else expect(await refusal(pages)).toEqual({ status: 400, code: "InvalidArgument" });
      });
    });
  });
}
