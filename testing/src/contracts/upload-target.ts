import type { PutMode, UploadTarget } from "@peekpack/s3";
import { uploadContent } from "@peekpack/s3/internal";
import { describe, expect, it } from "vitest";
import { patterned } from "./range-source.js";

/** The kind of target under test. */
export interface UploadTargetSubject {
  /** Makes a target of an object. */
  target(key: string, put?: PutMode): UploadTarget;
  /** The object and its ETag; undefined if there is none. */
  stored(key: string): Promise<{ readonly bytes: Uint8Array; readonly etag: string | undefined } | undefined>;
  /** Number of open multipart uploads. */
  uploads(): Promise<number>;
}

const MiB = 2 ** 20;
const large = patterned(10 * MiB + 345);
const content = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: async (start: number, end: number) => bytes.slice(start, end),
});

/** Registers the tests that every {@link UploadTarget} must pass. */
export function uploadTargetContract(name: string, subject: () => UploadTargetSubject): void {
  describe(`upload target: ${name}`, () => {
    const key = (end: string): string => `${name} ü+/${end}`;
    const expectStored = async (end: string, expected: Uint8Array): Promise<void> => {
      const bytes = (await subject().stored(key(end)))?.bytes;
      // The matchers of the framework take minutes for megabytes.
      const same = bytes !== undefined && Buffer.compare(bytes, expected) === 0;
      expect({ length: bytes?.length, same }).toEqual({ length: expected.length, same: true });
    };

    it("writes an object and returns its size and ETag", async () => {
      const target = subject().target(key("put"));
      const made = await target.putObject(patterned(1000));
      expect(made).toMatchObject({ size: 1000, etag: (await subject().stored(key("put")))?.etag });
      await expectStored("put", patterned(1000));
      expect((await subject().target(key("empty")).putObject(new Uint8Array(0))).size).toBe(0);
    });

    it("uploads parts in any order, lists and completes them", async () => {
      const target = subject().target(key("parts"));
      const upload = await target.createUpload();
      expect(await target.listParts(upload)).toEqual([]);
      const three = await target.uploadPart(upload, 3, large.subarray(10 * MiB));
      const one = await target.uploadPart(upload, 1, large.subarray(0, 5 * MiB));
      await target.uploadPart(upload, 2, patterned(100));
      const two = await target.uploadPart(upload, 2, large.subarray(5 * MiB, 10 * MiB));
      const listed = await target.listParts(upload);
      expect(listed.map(({ number, size, etag }) => ({ number, size, etag }))).toEqual(
        [one, two, three].map(({ number, size, etag }) => ({ number, size, etag })),
      );
      const made = await target.completeUpload(upload, [one, two, three]);
      expect(made.size).toBe(large.length);
      await expectStored("parts", large);
      await expect(target.listParts(upload)).rejects.toMatchObject({ code: "not-found" });
      // Another process may have completed it already.
      expect(await target.completeUpload(upload, [one, two, three], { again: true })).toMatchObject({
        size: large.length,
        etag: made.etag,
      });
      expect(await subject().uploads()).toBe(0);
    });

    it("lets the server check the checksum of the whole object", async ({ skip }) => {
      const target = subject().target(key("checked"));
      const upload = await target.createUpload();
      if (!upload.crc32) await target.abortUpload(upload);
      skip(!upload.crc32, "this target sends no checksums of parts");
      const parts = [
        await target.uploadPart(upload, 1, large.subarray(0, 5 * MiB)),
        await target.uploadPart(upload, 2, patterned(1000)),
      ];
      const wrong = target.uploadPart(upload, 3, patterned(100), { crc32: 1 });
      await expect(wrong).rejects.toThrow(/Digest|Checksum|InvalidRequest/);
      const forged = parts.map((part) => ({ ...part, crc32: part.crc32! ^ 1 }));
      await expect(target.completeUpload(upload, forged)).rejects.toThrow(
        /Digest|Checksum|InvalidPart|InvalidRequest/,
      );
      await target.abortUpload(upload);
    });

    it("aborts an upload for good", async () => {
      const target = subject().target(key("aborted"));
      const upload = await target.createUpload();
      await target.uploadPart(upload, 1, patterned(100));
      await target.abortUpload(upload);
      await target.abortUpload(upload);
      await expect(target.uploadPart(upload, 2, patterned(100))).rejects.toMatchObject({ code: "not-found" });
      expect(await subject().uploads()).toBe(0);
    });

    it.each([
      ["one PUT", patterned(5000), patterned(6000, 2)],
      ["parts", patterned(50_000), patterned(60_000, 2)],
    ])("obeys the put mode with %s", async (how, first, second) => {
      const where = `modes ${how}`;
      const options = { partSize: 5 * MiB, threshold: 10_000 };
      const write = (bytes: Uint8Array, put?: PutMode) =>
        uploadContent(subject().target(key(where), put), content(bytes), options);
      await expect(write(first, { ifMatch: '"0123"' })).rejects.toMatchObject({ code: "changed" });
      const made = await write(first, "create");
      await expectStored(where, first);
      await expect(write(second, "create")).rejects.toMatchObject({ code: "exists" });
      await expect(write(second, { ifMatch: '"0123"' })).rejects.toMatchObject({ code: "changed" });
      await expectStored(where, first);
      await write(second, { ifMatch: made.etag! });
      await expectStored(where, second);
      await expect(write(first, { ifMatch: made.etag! })).rejects.toMatchObject({ code: "changed" });
      await write(first);
      await expectStored(where, first);
      expect(await subject().uploads()).toBe(0);
    });

    it("lets exactly one of two creators win", async () => {
      const where = "race";
      const results = await Promise.allSettled(
        [1, 2, 3, 4].map((seed) =>
          uploadContent(subject().target(key(where), "create"), content(patterned(2000, seed))),
        ),
      );
      const won = results.flatMap(({ status }, index) => (status === "fulfilled" ? [index + 1] : []));
      expect(won.length).toBe(1);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "exists" });
      }
      await expectStored(where, patterned(2000, won[0]!));
    });

    it("rejects with the signal's own reason and leaves nothing behind", async () => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const upload = uploadContent(subject().target(key("stopped")), content(large), {
        partSize: 5 * MiB,
        threshold: 0,
        concurrency: 1,
        signal: controller.signal,
        onProgress: ({ parts }) => {
          if (parts.uploaded === 1) controller.abort(reason);
        },
      });
      await expect(upload).rejects.toBe(reason);
      expect(await subject().uploads()).toBe(0);
      expect(await subject().stored(key("stopped"))).toBeUndefined();
    });

    it("emits progress", async () => {
      const events: string[] = [];
      await uploadContent(subject().target(key("progress")), content(large), {
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
}
