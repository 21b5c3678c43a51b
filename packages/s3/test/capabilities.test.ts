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

  it("names a wrong secret access key, an unknown access key id and a missing bucket", async () => {
    const bucket = await freshBucket(server, "wrong");
    const of = (credentials: { accessKeyId: string; secretAccessKey: string }, at = bucket) =>
      s3Store({ ...server, credentials }).capabilities(at);
    const { accessKeyId, secretAccessKey } = server.credentials;
    const wrongSecret = await of({ accessKeyId, secretAccessKey: "wrongwrongwrong" });
    expect(wrongSecret.credentials).toMatchObject({
      supported: false,
      explanation: expect.stringMatching(/secretAccessKey/),
    });
    const unknownKey = await of({ accessKeyId: "AKIDUNKNOWN12345", secretAccessKey });
    expect(unknownKey.credentials).toMatchObject({
      supported: false,
      explanation: expect.stringMatching(/accessKeyId/),
    });
    const missing = await of(server.credentials, `${bucket}-missing`);
    expect(missing.bucket).toMatchObject({
      supported: false,
      explanation: expect.stringMatching(/does not exist/),
    });
    for (const found of [wrongSecret, unknownKey, missing]) {
      expect(found.reach.supported).toBe(true);
      expect(found.missing).toHaveLength(1);
      expect(JSON.stringify(found)).not.toContain(secretAccessKey);
    }
  });

  it("names the permission that an identity lacks", async () => {
    const bucket = await freshBucket(server, "denied");
    const { write } = await s3Store({ ...server, credentials: null }).capabilities(bucket);
    expect(write).toMatchObject({ supported: false, explanation: expect.stringContaining("s3:PutObject") });
  });
});

describe("capabilities", () => {
  /** A store whose server responds as `respond` says. */
  const respondingStore = (respond: (request: Request) => Response | Promise<Response>) =>
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

  const refusal = (status: number, code: string) =>
    new Response(`<Error><Code>${code}</Code></Error>`, { status });

  it.each([
    [
      "a web server's 404",
      () => new Response("<html>Not Found</html>", { status: 404 }),
      "reach",
      /not an S3/,
    ],
    ["a web server's 405", () => new Response("", { status: 405 }), "reach", /not an S3/],
    ["a proxy's 502", () => new Response("Bad Gateway", { status: 502 }), "reach", /502/],
    ["a redirect", () => new Response(null, { status: 307 }), "reach", /redirects/],
    ["a wrong secret", () => refusal(403, "SignatureDoesNotMatch"), "credentials", /secretAccessKey/],
    ["an unknown key", () => refusal(403, "InvalidAccessKeyId"), "credentials", /accessKeyId/],
    ["an invalid token", () => refusal(400, "InvalidToken"), "credentials", /sessionToken/],
    ["an expired token", () => refusal(400, "ExpiredToken"), "credentials", /expired/],
    ["a wrong clock", () => refusal(403, "RequestTimeTooSkewed"), "credentials", /clock/],
    ["a missing bucket", () => refusal(404, "NoSuchBucket"), "bucket", /does not exist/],
    ["a wrong region", () => refusal(400, "AuthorizationHeaderMalformed"), "bucket", /region/],
    ["a missing permission", () => refusal(403, "AccessDenied"), "write", /s3:PutObject/],
    ["another refusal", () => refusal(400, "TooWeird"), "write", /TooWeird/],
  ] as const)("explains %s and its remedy", async (_, respond, name, explanation) => {
    const found = await respondingStore(respond).capabilities("bucket");
    expect(found[name]).toMatchObject({ supported: false, explanation: expect.stringMatching(explanation) });
    expect(found.missing).toEqual([found[name].explanation]);
  });

  it("times out", async () => {
    const store = s3Store({
      endpoint: "http://localhost:1",
      credentials: { accessKeyId: "id", secretAccessKey: "secret" },
      retry: { timeoutMs: 50 },
      // Ignores the signal.
      fetch: () => new Promise(() => {}),
    });
    const { reach } = await store.capabilities("bucket");
    expect(reach).toMatchObject({ supported: false, explanation: expect.stringMatching(/ETIMEDOUT/) });
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

  /** A store over a server with one object, with or without an atomic check of If-Match. */
  const completingStore = (options: { readonly ignoresIfMatch?: boolean; readonly atomic?: boolean }) => {
    let etag: string | undefined;
    let count = 0;
    const parts = new Map<string, string>();
    const write = (): Response => {
      etag = `"${++count}"`;
      return new Response(`<R><ETag>${etag}</ETag></R>`, { headers: { etag } });
    };
    const isRefused = ({ headers }: Request, multipart: boolean): boolean => {
      const expected = headers.get("if-match");
      if (headers.has("if-none-match")) return etag !== undefined;
      return expected !== null && expected !== etag && !(multipart && options.ignoresIfMatch);
    };
    return respondingStore(async (request) => {
      const { method, url } = request;
      const query = new URL(url).searchParams;
      const id = query.get("uploadId");
      if (method === "POST" && id === null) return new Response(`<R><UploadId>${++count}</UploadId></R>`);
      if (method === "PUT" && id !== null) {
        parts.set(id, `"part ${id}"`);
        return new Response("", { headers: { etag: parts.get(id)! } });
      }
      if (method === "POST" || method === "PUT") {
        if (isRefused(request, method === "POST")) return new Response("", { status: 412 });
        if (method === "POST" && !options.atomic) await new Promise((resolve) => setTimeout(resolve, 20));
        return write();
      }
      return new Response(method === "HEAD" ? null : "", { headers: etag === undefined ? {} : { etag } });
    });
  };

  it("reports a server that ignores If-Match on completing an upload", async () => {
    const found = await completingStore({ ignoresIfMatch: true }).capabilities("bucket");
    expect(found.conditionalReplace.supported).toBe(true);
    expect(found.conditionalComplete).toMatchObject({
      supported: false,
      explanation: expect.stringMatching(/not reliable/),
    });
    expect(found.atomicComplete.supported).toBeUndefined();
  });

  it("reports a server that accepts two completions at once under the same condition", async () => {
    const found = await completingStore({ atomic: false }).capabilities("bucket");
    expect(found.conditionalComplete.supported).toBe(true);
    expect(found.atomicComplete).toMatchObject({
      supported: false,
      explanation: expect.stringMatching(/two that append at once/),
    });
  });

  it("reports a server that accepts one of two completions at once", async () => {
    const found = await completingStore({ atomic: true }).capabilities("bucket");
    expect(found.atomicComplete.supported).toBe(true);
  });
});
