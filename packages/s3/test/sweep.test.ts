import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
} from "@aws-sdk/client-s3";
import { freshBucket, s3Client } from "@peekpack/testing";
import { expect, it } from "vitest";
import { s3Store } from "../src/index.js";
import { onEachServer } from "./live-servers.js";

await onEachServer("sweeping", (server) => {
  const store = s3Store(server);

  it("aborts only old uploads of this identity under the prefix", async () => {
    const bucket = await freshBucket(server, "sweep");
    const client = s3Client(server);
    const begin = async (Key: string): Promise<string> =>
      (await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))).UploadId!;
    const remaining = async (): Promise<string[]> =>
      ((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [])
        .map(({ Key }) => Key!)
        .sort();
    const ids = [await begin("a/one ü+&"), await begin("a/two")];
    await begin("b/three");
    expect(await store.sweep(`${bucket}/a/`, { olderThan: 3_600_000 })).toEqual([]);
    expect(await store.sweep(`${bucket}/a/`, { olderThan: new Date(0) })).toEqual([]);
    const found = await store.sweep(`${bucket}/a/`, {
      olderThan: new Date(Date.now() + 60_000),
      dryRun: true,
    });
    expect(found.map(({ key, uploadId }) => ({ key, uploadId }))).toEqual([
      { key: "a/one ü+&", uploadId: ids[0] },
      { key: "a/two", uploadId: ids[1] },
    ]);
    expect(await remaining()).toEqual(["a/one ü+&", "a/two", "b/three"]);
    expect(await store.sweep(`${bucket}/a/`, { olderThan: new Date(Date.now() + 60_000) })).toEqual(found);
    expect(await remaining()).toEqual(["b/three"]);
    expect(
      await store.sweep(bucket, { olderThan: new Date(Date.now() + 60_000), others: true }),
    ).toMatchObject([{ key: "b/three" }]);
    expect(await remaining()).toEqual([]);
    for (const wrong of [Number.NaN, -1, "1 day", undefined]) {
      await expect(store.sweep(bucket, { olderThan: wrong as never })).rejects.toThrow(TypeError);
    }
    client.destroy();
  });

  it("lists all pages", async () => {
    const bucket = await freshBucket(server, "pages");
    const client = s3Client(server);
    const uploads: { Key: string; UploadId: string }[] = [];
    for (let index = 0; index < 1005; index += 15) {
      await Promise.all(
        Array.from({ length: 15 }, async (_, within) => {
          const Key = `many/${String(index + within).padStart(4, "0")}`;
          const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
          uploads.push({ Key, UploadId: UploadId! });
        }),
      );
    }
    const options = { olderThan: new Date(Date.now() + 60_000), dryRun: true };
    const found = await store.sweep(bucket, options);
    expect(new Set(found.map(({ key }) => key)).size).toBe(1005);
    for (let index = 0; index < uploads.length; index += 15) {
      await Promise.all(
        uploads
          .slice(index, index + 15)
          .map((upload) => client.send(new AbortMultipartUploadCommand({ Bucket: bucket, ...upload }))),
      );
    }
    client.destroy();
  });
});
