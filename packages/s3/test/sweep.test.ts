import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
} from "@aws-sdk/client-s3";
import { freshBucket, s3Client } from "@peekpack/testing";
import { describe, expect, it } from "vitest";
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
  }, 120_000);
});

/** A store over a server that lists these uploads as `list` selects them by the requested prefix. */
function listingStore(
  keys: readonly string[],
  list: (prefix: string, keys: readonly string[]) => readonly string[],
  encodingType = "",
) {
  const aborted: string[] = [];
  let own: string | undefined;
  const store = s3Store({
    endpoint: "http://127.0.0.1:9",
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    writer: "fetch",
    retry: { attempts: 1 },
    async fetch(request) {
      const url = new URL(request.url);
      const path = url.pathname.slice("/bucket/".length);
      if (request.method === "POST") {
        own = decodeURIComponent(path);
        return new Response("<R><UploadId>own</UploadId></R>");
      }
      if (request.method === "DELETE") {
        aborted.push(path);
        if (url.searchParams.get("uploadId") === "own") own = undefined;
        return new Response(null, { status: 204 });
      }
      if (url.searchParams.has("uploadId")) {
        return new Response("<Error><Code>NoSuchUpload</Code></Error>", { status: 404 });
      }
      const all = own === undefined ? keys : [...keys, own];
      const uploads = list(url.searchParams.get("prefix") ?? "", all).map((key) => {
        const id = key === own ? "own" : `of ${key}`;
        return `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>2020-01-01T00:00:00Z</Initiated><Initiator><ID>me</ID></Initiator></Upload>`;
      });
      return new Response(`<R>${encodingType}${uploads.join("")}</R>`);
    },
  });
  return { store, aborted };
}

describe("sweeping a server with other lists", () => {
  const olderThan = new Date();
  const byPrefix = (prefix: string, keys: readonly string[]) => keys.filter((key) => key.startsWith(prefix));

  it("does not abort a listed upload outside the prefix", async () => {
    const { store, aborted } = listingStore(["a/one", "b/two", "ab"], (_, keys) => keys);
    const swept = await store.sweep("bucket/a/", { olderThan });
    expect(swept.map(({ key }) => key)).toEqual(["a/one"]);
    expect(aborted.filter((path) => !path.includes(".peekpack-sweep"))).toEqual(["a/one"]);
  });

  it.each([
    ["the empty prefix", (prefix: string, keys: readonly string[]) => (prefix === "" ? keys : [])],
    [
      "the empty prefix or the exact key",
      (prefix: string, keys: readonly string[]) =>
        prefix === "" ? keys : keys.filter((key) => key === prefix),
    ],
  ])("finds uploads under a prefix if the server lists only %s", async (_, list) => {
    const { store } = listingStore(["a/one", "b/two"], list);
    const swept = await store.sweep("bucket/a/", { olderThan });
    expect(swept.map(({ key }) => key)).toEqual(["a/one"]);
  });

  it("ignores an upload without a key", async () => {
    const { store, aborted } = listingStore(["", "a"], byPrefix);
    const swept = await store.sweep("bucket", { olderThan, others: true });
    expect(swept.map(({ key }) => key)).toEqual(["a"]);
    expect(aborted).toEqual(["a"]);
  });

  it("takes a key that is not URL-encoded as it is", async () => {
    const { store, aborted } = listingStore(
      ["a/100%ZZ", "a/b%20c"],
      byPrefix,
      "<EncodingType>url</EncodingType>",
    );
    const swept = await store.sweep("bucket/a/", { olderThan, others: true });
    expect(swept.map(({ key }) => key)).toEqual(["a/100%ZZ", "a/b c"]);
    expect(aborted).toEqual(["a/100%25ZZ", "a/b%20c"]);
  });
});
