/** Objects that are shorter than what a reader asks for at first contact. */
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { encodeArchive, httpSource, openArchive } from "@peekpack/core";
import { freshBucket, type S3Server, s3Client, startS3 } from "@peekpack/testing";
import { afterAll, describe, expect, it } from "vitest";
import { s3Store } from "../src/index.js";
import { onEachServer } from "./live-servers.js";

const small = { hello: "world", text: "x".repeat(20_000) };

function tests(server: S3Server): void {
  const put = async (body: Uint8Array): Promise<string> => {
    const bucket = await freshBucket(server, "small");
    const client = s3Client(server);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: "object", Body: body }));
    client.destroy();
    return `${bucket}/object`;
  };

  it("opens a small archive every time, whichever response arrives first", async () => {
    const path = await put(encodeArchive(small));
    const store = s3Store(server);
    for (let i = 0; i < 40; i++) {
      const archive = await openArchive(store.source(path));
      expect(await archive.read("hello")).toBe("world");
      await archive.close();
    }
    await store.close();
  });

  it("rejects an empty object with `not-an-archive` after the requests of first contact", async () => {
    const path = await put(new Uint8Array(0));
    const store = s3Store(server);
    const url = await store.presign(path);
    for (const source of [store.source(path), httpSource(url), httpSource(url, { suffixRanges: false })]) {
      const reasons: string[] = [];
      const opening = openArchive(source, { onRequest: ({ reason }) => reasons.push(reason) });
      await expect(opening).rejects.toMatchObject({ code: "not-an-archive" });
      expect(reasons.filter((reason) => reason !== "open")).toEqual([]);
    }
    await store.close();
  });
}

await onEachServer("small objects", tests);

describe.each(["unstated", "empty"] as const)(
  "small objects on a server whose empty objects are %s",
  async (emptyObjects) => {
    const server = await startS3({ require: "stand-in", standIn: { emptyObjects } });
    afterAll(() => server.close());
    tests(server);
  },
);

describe("small objects on a server that refuses long suffix ranges without the size", async () => {
  const server = await startS3({ require: "stand-in", standIn: { longSuffixRanges: "refused" } });
  afterAll(() => server.close());
  tests(server);

  it("are named by the capability probe", async () => {
    const bucket = await freshBucket(server);
    const { suffixRanges, missing } = await s3Store(server).capabilities(bucket);
    expect(suffixRanges).toMatchObject({
      supported: false,
      explanation: expect.stringMatching(/longer than the object with 416/),
    });
    expect(missing).toContain(suffixRanges.explanation);
  });
});
