import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { freshBucket, s3Client, setCors } from "@peekpack/testing";
import { describe, expect, it } from "vitest";
import { CAPABILITIES } from "../src/capability.js";
import { s3Store } from "../src/index.js";
import { onEachServer } from "./live-servers.js";

const origin = "https://app.example";

await onEachServer("capabilities", (server) => {
  it("finds every capability and leaves nothing behind", async () => {
    const bucket = await freshBucket(server, "able");
    await setCors(server, bucket, [origin]);
    const found = await s3Store(server).capabilities(`${bucket}/some/where/`, { origin });
    const unsupported = CAPABILITIES.filter((name) => found[name].supported !== true);
    expect(unsupported.map((name) => found[name].explanation)).toEqual([]);
    expect(found.missing).toEqual([]);
    const client = s3Client(server);
    expect((await client.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount ?? 0).toBe(0);
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).toEqual(
      [],
    );
    client.destroy();
  });

  it("names the origin that CORS does not allow", async () => {
    const bucket = await freshBucket(server, "cors");
    const store = s3Store(server);
    store.source(`${bucket}/any`);
    const { cors, missing } = await store.capabilities(undefined, { origin });
    expect(cors.supported).toBe(false);
    expect(cors.explanation).toContain(origin);
    expect(missing).toContain(cors.explanation);
  });

  it("names the permission that an identity lacks", async () => {
    const bucket = await freshBucket(server, "denied");
    const { write } = await s3Store({ ...server, credentials: null }).capabilities(bucket);
    expect(write).toMatchObject({ supported: false, explanation: expect.stringContaining("s3:PutObject") });
  });
});

describe("capabilities", () => {
  /** A store whose server responds as `respond` says. */
  const respondingStore = (respond: (request: Request) => Response) =>
    s3Store({
      endpoint: "http://localhost:1",
      credentials: { accessKeyId: "id", secretAccessKey: "secret" },
      fetch: async (request) => respond(request),
    });

  it("reports unsupported what a server accepts but ignores", async () => {
    const careless = respondingStore(({ method }) =>
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

  it("reports an unreachable endpoint", async () => {
    const store = s3Store({
      endpoint: "http://127.0.0.1:9",
      credentials: { accessKeyId: "i", secretAccessKey: "s" },
    });
    const { reach, write } = await store.capabilities("bucket");
    expect(reach.supported).toBe(false);
    expect(write.supported).toBeUndefined();
    await expect(store.capabilities()).rejects.toThrow(TypeError);
  });

  it("rejects with the signal's reason", async () => {
    const reason = new Error("enough");
    const store = respondingStore(() => new Response("ok"));
    await expect(store.capabilities("bucket", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
