import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { freshBucket, s3Client, setCors } from "@peekpack/testing";
import { describe, expect, it } from "vitest";
import { CAPABILITIES } from "../src/capabilities.js";
import { s3Store } from "../src/index.js";
import { onEachServer } from "./live-servers.js";

const origin = "https://app.example";

await onEachServer("capabilities", (server) => {
  it("finds all of them, and leaves nothing behind", async () => {
    const bucket = await freshBucket(server, "able");
    await setCors(server, bucket, [origin]);
    const found = await s3Store(server).capabilities(`${bucket}/some/where/`, { origin });
    const lacking = CAPABILITIES.filter((name) => found[name].supported !== true);
    expect(lacking.map((name) => found[name].explanation)).toEqual([]);
    expect(found.missing).toEqual([]);
    const client = s3Client(server);
    expect((await client.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount ?? 0).toBe(0);
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).toEqual(
      [],
    );
    client.destroy();
  });

  it("explains what CORS lacks", async () => {
    const bucket = await freshBucket(server, "cors");
    const store = s3Store(server);
    store.source(`${bucket}/any`);
    const { cors, missing } = await store.capabilities(undefined, { origin });
    expect(cors.supported).toBe(false);
    expect(cors.explanation).toContain(origin);
    expect(missing).toContain(cors.explanation);
  });

  it("explains what an identity may not do", async () => {
    const bucket = await freshBucket(server, "denied");
    const { write } = await s3Store({ ...server, credentials: null }).capabilities(bucket);
    expect(write).toMatchObject({ supported: false, explanation: expect.stringContaining("s3:PutObject") });
  });
});

describe("capabilities", () => {
  /** A server that answers every request in the same way, whatever it says. */
  const answering = (answer: (request: Request) => Response) =>
    s3Store({
      endpoint: "http://localhost:1",
      credentials: { accessKeyId: "id", secretAccessKey: "secret" },
      fetch: async (request) => answer(request),
    });

  it("takes no server at its word", async () => {
    // Everything is fine, it says, and it heeds nothing.
    const careless = answering(({ method }) =>
      method === "POST"
        ? new Response("<R><UploadId>1</UploadId><ETag>1</ETag></R>")
        : new Response("0123456789abcdef", { headers: { etag: '"1"' } }),
    );
    const found = await careless.capabilities("bucket");
    for (const name of [
      "ranges",
      "suffixRanges",
      "conditionalCreate",
      "conditionalReplace",
      "conditionalComplete",
    ] as const) {
      expect(found[name].supported, name).toBe(false);
    }
    for (const name of ["checksums", "wholeChecksums", "serverSideCopy"] as const) {
      expect(found[name].supported, name).toBe(false);
    }
    expect(found.conditionalCreate.explanation).toMatch(/ignores If-None-Match/);
    expect(found.cors.supported).toBeUndefined();
  });

  it("tells an endpoint that is not there", async () => {
    const store = s3Store({
      endpoint: "http://127.0.0.1:9",
      credentials: { accessKeyId: "i", secretAccessKey: "s" },
    });
    const { reach, write } = await store.capabilities("bucket");
    expect(reach.supported).toBe(false);
    expect(write.supported).toBeUndefined();
    await expect(store.capabilities()).rejects.toThrow(TypeError);
  });

  it("ends when it is told to", async () => {
    const reason = new Error("enough");
    const store = answering(() => new Response("ok"));
    await expect(store.capabilities("bucket", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
